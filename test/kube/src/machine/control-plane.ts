import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@ganglion/testing';
import type { Built } from './build.ts';
import { type Access, KubeApi } from './kube-api.ts';
import { Program } from './program.ts';

const run = promisify(execFile);

export interface ControlPlaneOptions {
  readonly built: Built;
  /** For its data, keys and logs. */
  readonly folder: string;
  /** Where the API server listens; 127.0.0.1 by default. */
  readonly address?: string;
  /** After how many seconds of silence a node counts as gone; 40 by default, as Kubernetes has it. */
  readonly nodeGraceSeconds?: number;
}

/** What a command said. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

export const CLUSTER_ADDRESSES = '10.96.0.0/16';
export const POD_ADDRESSES = '10.244.0.0/16';

/** etcd, the API server, the controllers and the scheduler, on free ports. */
export class ControlPlane {
  readonly #programs: Program[] = [];

  readonly #built: Built;
  readonly #folder: string;
  readonly access: Access;
  readonly api: KubeApi;
  readonly kubeconfig: string;

  private constructor(built: Built, folder: string, access: Access, api: KubeApi, kubeconfig: string) {
    this.#built = built;
    this.#folder = folder;
    this.access = access;
    this.api = api;
    this.kubeconfig = kubeconfig;
  }

  /** @throws Error with the log of what did not start */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { built, folder, address = '127.0.0.1' } = options;
    const programs: Program[] = [];
    const logs = join(folder, 'logs');
    const start = async (name: string, args: readonly string[]) => {
      const program = await Program.start(name, logs, [join(built.bin, name), ...args]);
      programs.push(program);
      return program;
    };
    try {
      await mkdir(folder, { recursive: true });
      const etcd = await startEtcd(folder, start);
      const { access, keys } = await startApiServer(folder, address, etcd, start);
      const api = new KubeApi(access);
      await programs.at(-1)!.until(() => api.isReady());
      const kubeconfig = join(folder, 'kubeconfig');
      await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(access)), { mode: 0o600 });
      await startControllers(kubeconfig, keys, options.nodeGraceSeconds ?? 40, start);
      const plane = new ControlPlane(built, folder, access, api, kubeconfig);
      plane.#programs.push(...programs);
      return plane;
    } catch (error) {
      for (const program of programs.reverse()) await program.stop('SIGKILL');
      throw error;
    }
  }

  /** @throws Error with what kubectl said when it fails */
  kubectl(...args: string[]): Promise<Said> {
    return this.#command('kubectl', join(this.#built.bin, 'kubectl'), args);
  }

  /** @throws Error with what helm said when it fails */
  helm(...args: string[]): Promise<Said> {
    return this.helmAt(this.#built.helm ?? join(this.#built.bin, 'helm'), ...args);
  }

  /** The same with another helm. */
  helmAt(program: string, ...args: string[]): Promise<Said> {
    return this.#command('helm', program, args);
  }

  /** Gives an object to the API server as kubectl does. */
  async apply(...objects: object[]): Promise<void> {
    const file = join(this.#folder, `${randomBytes(4).toString('hex')}.json`);
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await this.kubectl('apply', '--filename', file);
  }

  /** Runs another program of the control plane until it is stopped with it. */
  async run(name: string, args: readonly string[]): Promise<Program> {
    const program = await Program.start(name, join(this.#folder, 'logs'), [join(this.#built.bin, name), ...args]);
    this.#programs.push(program);
    return program;
  }

  async stop(): Promise<void> {
    await this.api.close();
    for (const program of this.#programs.splice(0).reverse()) await program.stop('SIGKILL');
  }

  async #command(name: string, program: string, args: readonly string[]): Promise<Said> {
    const env = {
      ...process.env,
      KUBECONFIG: this.kubeconfig,
      HELM_CACHE_HOME: this.#folder,
      HELM_DATA_HOME: this.#folder,
    };
    try {
      return await run(program, args, { env, maxBuffer: 64 * 1024 * 1024 });
    } catch (error) {
      const { stderr = '', stdout = '' } = error as Partial<Said>;
      throw new Error(`${name} ${args.slice(0, 3).join(' ')}: ${stderr.trim() || stdout.trim() || error}`);
    }
  }
}

type Start = (name: string, args: readonly string[]) => Promise<Program>;

async function startEtcd(folder: string, start: Start): Promise<string> {
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  await start('etcd', [
    ...['--name=one', `--data-dir=${join(folder, 'etcd')}`, '--unsafe-no-fsync'],
    ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
    ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=one=${peer}`],
  ]);
  return client;
}

async function startApiServer(folder: string, address: string, etcd: string, start: Start) {
  const [port, token] = [await freePort(), randomBytes(16).toString('hex')];
  const file = (name: string) => join(folder, name);
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  await writeFile(file('accounts.key'), keys.privateKey, { mode: 0o600 });
  await writeFile(file('accounts.pub'), keys.publicKey);
  await writeFile(file('tokens'), `${token},operator,1,system:masters\n`, { mode: 0o600 });
  const program = await start('kube-apiserver', [
    ...[`--etcd-servers=${etcd}`, `--bind-address=${address}`, `--secure-port=${port}`],
    ...[`--cert-dir=${file('certificates')}`, `--token-auth-file=${file('tokens')}`, '--authorization-mode=Node,RBAC'],
    ...['--service-account-issuer=https://kubernetes.default.svc', `--service-cluster-ip-range=${CLUSTER_ADDRESSES}`],
    ...[`--service-account-key-file=${file('accounts.pub')}`],
    ...[`--service-account-signing-key-file=${file('accounts.key')}`],
    // Nothing behind it speaks for the API server in whose name addresses would have to be found.
    ...(address === '127.0.0.1' ? ['--endpoint-reconciler-type=none'] : []),
  ]);
  const access = { url: `https://${address}:${port}`, certificate: file('certificates/apiserver.crt'), token };
  // It makes its certificate itself.
  await program.until(async () => (await readFile(access.certificate)).length > 0);
  return { access, keys: file('accounts.key') };
}

async function startControllers(kubeconfig: string, key: string, graceSeconds: number, start: Start): Promise<void> {
  const alone = async () => [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    `--secure-port=${await freePort()}`,
  ];
  await start('kube-controller-manager', [
    ...(await alone()),
    ...['--use-service-account-credentials', `--service-account-private-key-file=${key}`],
    ...[`--cluster-cidr=${POD_ADDRESSES}`, `--node-monitor-grace-period=${graceSeconds}s`],
  ]);
  await start('kube-scheduler', await alone());
}

/** JSON is YAML, too. */
function kubeconfigOf({ url, certificate, token }: Access): object {
  const cluster = { server: url, 'certificate-authority': certificate, 'tls-server-name': 'kubernetes.default.svc' };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'here', cluster }],
    users: [{ name: 'operator', user: { token } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'operator' } }],
    'current-context': 'here',
  };
}
