import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@ganglion/testing';
import sharp from 'sharp';
import { spawnTypeScript, type TestProcess } from '../../../libs/testing/src/child-process.js';
import type { ByteStore } from '../src/domain/ports/byte-store.js';
import { openS3Store } from '../src/storage/byte-stores.js';
import { FolderStore } from '../src/storage/folder-store.js';
import { ALICE, ask, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { s3Config, s3Input } from './support/s3-config.js';
import { findSeaweed, makeBucket, type S3Server, startS3Server } from './support/seaweed.js';
import { keysIn, keysKnown, looseKeys } from './support/store-contents.js';

const ADMIN = '@admin:one.test';
const BUCKET = 'crashes';
const ROUNDS = 3;
const STORES = ['a folder', 'a bucket'] as const;

const seaweed = await findSeaweed();
let s3: S3Server | undefined;

beforeAll(async () => {
  if (seaweed === undefined) return;
  s3 = await startS3Server(seaweed);
  await makeBucket(s3, BUCKET);
}, 300_000);
afterAll(() => s3?.stop());

describe.each(seaweed === undefined ? STORES.slice(0, 1) : STORES)('on %s', (kind) => {
  let deployment: Deployment;
  let child: TestProcess | undefined;
  let store: ByteStore;
  let settings: object;

  beforeAll(async () => {
    deployment = await deploy();
    settings = kind === 'a folder' ? {} : { s3: s3Input(s3!.endpoint, BUCKET) };
    store =
      kind === 'a folder' ? new FolderStore(deployment.folder) : await openS3Store(s3Config(s3!.endpoint, BUCKET));
  });
  afterEach(() => child?.kill('SIGKILL'));
  afterAll(() => deployment.close());

  async function start(): Promise<string> {
    const script = new URL('./processes/replica.ts', import.meta.url);
    child = spawnTypeScript(script, [deployment.databaseUrl, deployment.folder, JSON.stringify(settings)]);
    return (await child.line('listening ')).slice('listening '.length);
  }

  /** Has some work on and on, until the replica dies in the middle of it. */
  async function killInTheMiddle(work: (() => Promise<unknown>)[], enough: () => void): Promise<void> {
    let running = true;
    const working = work.map(async (step) => {
      while (running) await step().catch(() => sleep(1));
    });
    await eventually(enough, 60_000);
    await sleep(randomInt(30));
    await child!.kill('SIGKILL');
    running = false;
    await Promise.all(working);
  }

  /** As if two hours had passed: what nobody needs is gone, and nothing else. */
  async function expectNothingSuperfluous(): Promise<void> {
    await deployment.db.query({ text: 'UPDATE media.loose_keys SET due_at = now()' });
    await eventually(async () => {
      expect(await looseKeys(deployment.db)).toBe(0);
      expect(await keysIn(store)).toEqual(await keysKnown(deployment.db));
    }, 60_000);
  }

  it('a replica that is killed while files come in loses none that it has acknowledged, and leaves none that it has not', async () => {
    const acknowledged = new Map<string, Buffer>();
    for (let round = 0; round < ROUNDS; round++) {
      const url = await start();
      const before = acknowledged.size;
      const uploadOne = async () => {
        const body = randomBytes(300_000);
        acknowledged.set(await upload(url, body), body);
      };
      const uploaders = Array.from({ length: 8 }, () => uploadOne);
      await killInTheMiddle(uploaders, () => expect(acknowledged.size).toBeGreaterThan(before + 5));
    }
    const url = await start();
    for (const [uri, body] of acknowledged) {
      const { status, bytes } = await ask(url, 'GET', pathOf(uri), { as: ALICE });
      expect([uri, status, bytes.equals(body)]).toEqual([uri, 200, true]);
    }
    await expectNothingSuperfluous();
  }, 180_000);

  it('a replica that is killed while files are scaled and deleted keeps those that are to stay, whole, and nothing of the others', async () => {
    const stay = new Map<string, Buffer>();
    const deleted = new Set<string>();
    let scaled = 0;
    let url = await start();
    for (let n = 0; n < 6; n++) {
      const body = await picture();
      stay.set(await upload(url, body, 'image/png'), body);
    }
    for (let round = 0; round < ROUNDS; round++) {
      const [before, scaledBefore] = [deleted.size, scaled];
      const scaleOne = async () => {
        const uri = [...stay.keys()][randomInt(stay.size)]!;
        const size = `width=${randomInt(16, 400)}&height=${randomInt(16, 400)}&method=scale`;
        const { status } = await ask(url, 'GET', `${pathOf(uri, 'thumbnail')}?${size}`, { as: ALICE });
        if (status === 200) scaled += 1;
      };
      const deleteOne = async () => {
        const uri = await upload(url, await picture(), 'image/png');
        await ask(url, 'GET', `${pathOf(uri, 'thumbnail')}?width=32&height=32&method=crop`, { as: ALICE });
        const path = `/_synapse/admin/v1/media/${uri.replace('mxc://', '')}`;
        const { status } = await ask(url, 'DELETE', path, { as: ADMIN });
        if (status === 200) deleted.add(uri);
      };
      await killInTheMiddle([scaleOne, scaleOne, deleteOne, deleteOne, deleteOne], () => {
        expect(deleted.size).toBeGreaterThan(before + 2);
        expect(scaled).toBeGreaterThan(scaledBefore + 2);
      });
      url = await start();
    }
    for (const [uri, body] of stay) {
      const { status, bytes } = await ask(url, 'GET', pathOf(uri), { as: ALICE });
      expect([uri, status, bytes.equals(body)]).toEqual([uri, 200, true]);
      const small = await ask(url, 'GET', `${pathOf(uri, 'thumbnail')}?width=32&height=32&method=crop`, { as: ALICE });
      expect((await sharp(small.bytes).metadata()).width).toBe(32);
    }
    for (const uri of deleted) expect((await ask(url, 'GET', pathOf(uri), { as: ALICE })).status).toBe(404);
    await expectNothingSuperfluous();
  }, 180_000);
});

describe('on a full disk', () => {
  let deployment: Deployment;
  let child: TestProcess | undefined;

  beforeAll(async () => {
    deployment = await deploy();
  });
  afterAll(async () => {
    await child?.kill('SIGKILL');
    await deployment.close();
  });

  it('a replica refuses files, keeps no half of them, and takes others when there is room again', async () => {
    const script = new URL('./processes/replica.ts', import.meta.url);
    child = spawnTypeScript(script, [deployment.databaseUrl, deployment.folder]);
    const url = (await child.line('listening ')).slice('listening '.length);
    const limit = (bytes: string) => execFileSync('prlimit', [`--pid=${child!.process.pid}`, `--fsize=${bytes}`]);
    limit('100000:unlimited');
    const { status, body } = await ask(url, 'POST', '/_matrix/media/v3/upload', {
      as: ALICE,
      body: randomBytes(400_000),
    });
    expect([status, body.errcode]).toEqual([507, 'M_UNKNOWN']);
    await eventually(async () => expect(await looseKeys(deployment.db)).toBe(0));
    expect(await keysIn(new FolderStore(deployment.folder))).toEqual(await keysKnown(deployment.db));
    limit('unlimited:unlimited');
    const bytes = randomBytes(400_000);
    const uri = await upload(url, bytes);
    expect((await ask(url, 'GET', pathOf(uri), { as: ALICE })).bytes.equals(bytes)).toBe(true);
  }, 120_000);
});

/** One like no other. */
function picture(): Promise<Buffer> {
  const background = { r: randomInt(256), g: randomInt(256), b: randomInt(256) };
  const dot = { input: randomBytes(3), raw: { width: 1, height: 1, channels: 3 as const }, left: 5, top: 5 };
  return sharp({ create: { width: 600, height: 400, channels: 3, background } })
    .composite([dot])
    .png()
    .toBuffer();
}
