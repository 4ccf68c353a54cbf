import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { eventually } from '@ganglion/testing';
import { freePorts } from '../../../../libs/testing/src/free-ports.js';
import { withLock } from '../../../../scripts/launcher/lock.mjs';

const run = promisify(execFile);

const MODULE = 'github.com/seaweedfs/seaweedfs';
const VERSION = 'v0.0.0-20261109003541-7506e5f91cd6';
const TOOLS = fileURLToPath(new URL('../../../../.tools/', import.meta.url));
const PROGRAM = join(TOOLS, `weed-${VERSION}`);

export const ACCESS = { accessKeyId: 'ganglion', secretAccessKey: 'a secret of tests' };
/** Buckets are names below this one, too; whoever asks has to know where it is. */
export const DOMAIN = 's3.test';
/** What objects are encrypted with that are to be encrypted. */
const ENCRYPTION_KEY = 'c0ffee00'.repeat(8);

/** A server that speaks S3 and keeps what it is given on the disk. */
export interface S3Server {
  readonly endpoint: string;
  /** As if the machine lost power. */
  stop(): Promise<void>;
}

/** Starts a SeaweedFS with a new folder. */
export async function startS3Server(program: string): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'ganglion-s3-'));
  const identities = [
    {
      name: 'ganglion',
      credentials: [{ accessKey: ACCESS.accessKeyId, secretKey: ACCESS.secretAccessKey }],
      actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
    },
  ];
  const kms = { default_provider: 'local', providers: { local: { type: 'local', enableOnDemandCreate: true } } };
  await writeFile(join(folder, 's3.json'), JSON.stringify({ identities, kms }));
  await mkdir(join(folder, 'data'));
  const ports = await freePorts(8);
  const names = ['master.port', 'master.port.grpc', 'volume.port', 'volume.port.grpc', 'filer.port', 'filer.port.grpc'];
  const options = [...names, 's3.port', 's3.port.grpc'].map((name, index) => `-${name}=${ports[index]}`);
  const child = spawn(
    program,
    [
      ...['server', `-dir=${join(folder, 'data')}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1', '-filer', '-s3', ...options],
      ...[
        `-s3.config=${join(folder, 's3.json')}`,
        `-s3.domainName=${DOMAIN}`,
        '-master.volumeSizeLimitMB=64',
        '-volume.max=50',
        '-volume.preStopSeconds=0',
      ],
      ...[
        '-master.telemetry=false',
        '-s3.iam=false',
        '-s3.port.iceberg=0',
        '-s3.port.lance=0',
        '-s3.localSocket=',
        '-filer.localSocket=',
      ],
    ],
    { stdio: 'ignore', cwd: folder, env: { ...process.env, WEED_S3_SSE_KEK: ENCRYPTION_KEY } },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const endpoint = `http://127.0.0.1:${ports[6]}`;
  await eventually(async () => expect((await fetch(endpoint)).status).toBe(403), 120_000);
  return {
    endpoint,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function makeBucket({ endpoint }: S3Server, bucket: string): Promise<void> {
  const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials: ACCESS });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}

/**
 * The program of SeaweedFS. It is built from its sources the first time, which takes Go and some minutes; where that cannot be
 * done, says why.
 */
export async function findSeaweed(): Promise<string | undefined> {
  if (existsSync(PROGRAM)) return PROGRAM;
  try {
    await mkdir(TOOLS, { recursive: true });
    // Another file of tests may want it at the same time.
    return await withLock(
      `${PROGRAM}.lock`,
      () => {},
      async () => (existsSync(PROGRAM) ? PROGRAM : buildSeaweed()),
    );
  } catch (error) {
    console.warn(`Tested without a bucket of S3. ${(error as Error).message.slice(-2_000)}`);
    return undefined;
  }
}

async function buildSeaweed(): Promise<string> {
  await run('go', ['version']).catch(() => {
    throw new Error(`tests of S3 need SeaweedFS: install Go 1.26 or newer, or put its program at ${PROGRAM}`);
  });
  const { stdout } = await run('go', ['mod', 'download', '-json', `${MODULE}@${VERSION}`], { cwd: tmpdir() });
  const sources = await mkdtemp(join(tmpdir(), 'ganglion-seaweed-'));
  try {
    await cp((JSON.parse(stdout) as { Dir: string }).Dir, sources, { recursive: true, mode: 0 });
    await run('chmod', ['-R', 'u+w', sources]);
    const built = join(sources, 'weed.built');
    const options = {
      cwd: sources,
      env: { ...process.env, CGO_ENABLED: '0' },
      maxBuffer: 64 * 1024 * 1024,
      timeout: 1_800_000,
    };
    await run('nice', ['-n', '19', 'go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', built, './weed'], options);
    await cp(built, `${PROGRAM}.${process.pid}`);
    await rename(`${PROGRAM}.${process.pid}`, PROGRAM);
  } finally {
    await rm(sources, { recursive: true, force: true });
  }
  return PROGRAM;
}
