import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Report } from '../load/talk.ts';
import { Talk } from '../load/talk.ts';
import { WayIn } from '../load/way-in.ts';
import type { Cluster } from '../machine/cluster.ts';
import type { Said } from '../machine/control-plane.ts';
import type { KubeObject } from '../machine/kube-api.ts';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const GANGLION = join(ROOT, 'services/all-in-one/bin/ganglion.mjs');
export const NAMESPACE = 'chat';
export const RELEASE = 'ganglion';
export const REPOSITORY = 'registry.example/ganglion';
/** The tags of the release before, and of this one. */
export const [LAST, THIS] = ['last', 'this'] as const;

const PATIENCE = '600s';

interface StageOptions extends Pick<Stage, 'pauseSeconds' | 'prometheus'> {
  /** The folder of the release before: its chart is what it was installed with. */
  readonly last?: string;
}

/** A namespace with what an operator makes in it before Ganglion is installed, and the release in it. */
export class Stage {
  #talk: Talk | undefined;

  readonly cluster: Cluster;
  /** For how many seconds two releases stay side by side. */
  readonly pauseSeconds: number;
  /** The program of Prometheus. */
  readonly prometheus: string;
  readonly #folder: string;
  /** Where the chart of each release is. */
  readonly #charts: ReadonlyMap<string, string>;

  private constructor(cluster: Cluster, folder: string, { pauseSeconds, prometheus, last = ROOT }: StageOptions) {
    this.cluster = cluster;
    this.#folder = folder;
    this.pauseSeconds = pauseSeconds;
    this.prometheus = prometheus;
    this.#charts = new Map([
      [LAST, join(last, 'k8s/ganglion')],
      [THIS, join(ROOT, 'k8s/ganglion')],
    ]);
  }

  static async prepare(cluster: Cluster, folder: string, options: StageOptions): Promise<Stage> {
    const { plane, backing } = cluster;
    const restricted = {
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
    };
    const metadata = (name: string) => ({ name, namespace: NAMESPACE });
    const { stdout: key } = await run(process.execPath, [GANGLION, 'generate-signing-key', '--print']);
    const claim = {
      accessModes: ['ReadWriteMany'],
      storageClassName: '',
      volumeName: 'media',
      resources: { requests: { storage: '1Gi' } },
    };
    const volume = {
      accessModes: ['ReadWriteMany'],
      capacity: { storage: '1Gi' },
      hostPath: { path: join(folder, 'media') },
    };
    await plane.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: restricted } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: metadata('ganglion-database'),
        stringData: { url: backing.databaseUrl },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: metadata('ganglion-signing-keys'),
        stringData: { 'example.org.signing.key': key },
      },
      { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'media' }, spec: volume },
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: metadata('ganglion-media'), spec: claim },
    );
    return new Stage(cluster, folder, options);
  }

  /** `helm install` or `helm upgrade` to a release, with its own chart and these values beside those of every test. */
  async helm(action: 'install' | 'upgrade', tag: string, values: object = {}, ...flags: string[]): Promise<Said> {
    const all = { ...VALUES, ...values, image: { repository: REPOSITORY, tag } };
    const given = Object.entries(all).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
    return this.cluster.plane.helm(
      action,
      RELEASE,
      this.#charts.get(tag) as string,
      '--namespace',
      NAMESPACE,
      ...given,
      '--timeout',
      PATIENCE,
      ...flags,
    );
  }

  kubectl(...args: string[]): Promise<Said> {
    return this.cluster.plane.kubectl('--namespace', NAMESPACE, ...args);
  }

  /** Everything of the release of one kind, as the API server lists it. */
  list(path: string): Promise<KubeObject[]> {
    return this.cluster.plane.api.list(`${path.startsWith('/') ? path : `/api/v1/namespaces/${NAMESPACE}/${path}`}`);
  }

  deployments(): Promise<KubeObject[]> {
    return this.list(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`);
  }

  pods(): Promise<KubeObject[]> {
    return this.list('pods?labelSelector=app.kubernetes.io%2Fcomponent');
  }

  /** How often containers had to be started again, of the pods that are there. */
  async restarts(): Promise<number> {
    const containers = (await this.pods()).flatMap(({ status }) => status.containerStatuses ?? []);
    return containers.reduce((sum: number, { restartCount }: { restartCount: number }) => sum + restartCount, 0);
  }

  /** Lets people talk for another while. */
  talkOn(seconds = 10): Promise<void> {
    return sleep(seconds * 1_000);
  }

  /** Waits until every Deployment has what it wants and nothing else. */
  async settled(): Promise<void> {
    for (const { metadata } of await this.deployments()) {
      await this.kubectl('rollout', 'status', `deployment/${metadata.name}`, `--timeout=${PATIENCE}`);
    }
  }

  /** Has people talk while something happens. */
  async during(happening: () => Promise<void>): Promise<Report> {
    this.#talk ??= await Talk.gather(await WayIn.find(this.cluster.plane.api, NAMESPACE, RELEASE));
    return this.#talk.during(happening);
  }

  /** What the pods of that name have said. */
  async logsOf(prefix: string): Promise<string> {
    const folder = join(this.#folder, 'logs/pods', NAMESPACE);
    const names = (await readdir(folder)).filter((name) => name.startsWith(`${prefix}-`));
    return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
  }

  async end(): Promise<void> {
    await this.#talk?.end();
    this.#talk = undefined;
  }
}

/** What is other than the chart's own values. */
const VALUES = {
  config: {
    server_names: [{ name: 'example.org' }],
    bus: { kind: 'jetstream', servers: ['nats://10.244.0.1:4222'], replicas: 1 },
    registration: { enabled: true },
    rate_limits: { enabled: false },
    database: { pool_size: 5 },
  },
};
