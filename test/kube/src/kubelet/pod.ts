import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError, type KubeApi, type KubeObject } from '../machine/kube-api.ts';
import { Container, type ContainerParts } from './container.ts';
import { environmentOf, expanded } from './environment.ts';
import { connect, disconnect, networkOf } from './network.ts';
import { pause, probe } from './probe.ts';
import type { KubeletSettings } from './settings.ts';
import { type ContainerState, statusOf } from './status.ts';
import { layVolumes } from './volumes.ts';

const LONGEST_PAUSE_MS = 30_000;

// biome-ignore lint/suspicious/noExplicitAny: as the API server has it
type ContainerSpec = any;

/** A pod of this node, from its first sight until the API server has forgotten it. */
export class Pod {
  readonly #states = new Map<string, ContainerState>();
  readonly #ending = new AbortController();
  readonly #started = new Date().toISOString();
  #graceMs = 0;
  #phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' = 'Pending';
  #told: Promise<void> = Promise.resolve();

  readonly #api: KubeApi;
  readonly #settings: KubeletSettings;
  readonly #pod: KubeObject;
  readonly #address: string;

  constructor(api: KubeApi, settings: KubeletSettings, pod: KubeObject, address: string) {
    this.#api = api;
    this.#settings = settings;
    this.#pod = pod;
    this.#address = address;
    if (pod.spec.initContainers !== undefined) throw new Error('this kubelet knows no init containers');
    for (const { name } of pod.spec.containers) this.#states.set(name, { state: waiting('ContainerCreating') });
  }

  /** Tells the API server that nothing of a pod is left. */
  static async forget(api: KubeApi, { metadata: { namespace, name, uid } }: KubeObject): Promise<void> {
    await disconnect(uid as string);
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    await api.remove(`/api/v1/namespaces/${namespace}/pods/${name}`, options).catch(ignoreGone);
  }

  /** Lets its containers end, for so many seconds at the most. */
  end(graceSeconds: number): void {
    this.#graceMs = graceSeconds * 1_000;
    this.#ending.abort();
  }

  async run(): Promise<void> {
    const { uid } = this.#pod.metadata as { uid: string };
    const folder = join(this.#settings.folder, uid);
    try {
      await connect(uid, this.#address);
      const volumes = await this.#volumes(join(folder, 'volumes'));
      if (volumes !== undefined) {
        this.#phase = 'Running';
        const specs: readonly ContainerSpec[] = this.#pod.spec.containers;
        const well = await Promise.all(specs.map((spec) => this.#keep(spec, folder, volumes)));
        this.#phase = well.every(Boolean) ? 'Succeeded' : 'Failed';
        await this.#tell();
      }
      await untilAborted(this.#ending.signal);
      await Pod.forget(this.#api, this.#pod);
    } catch (error) {
      console.error(`${this.#pod.metadata.name}: ${(error as Error).stack}`);
    } finally {
      await disconnect(uid);
      await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
  }

  /** Config maps, secrets and claims may come later than the pod. */
  async #volumes(folder: string): Promise<Map<string, string> | undefined> {
    while (!this.#ending.signal.aborted) {
      try {
        return await layVolumes(this.#api, this.#pod, folder);
      } catch (error) {
        for (const state of this.#states.values()) {
          state.state = waiting('ContainerCreating', (error as Error).message);
        }
        await this.#tell();
        await pause(1_000, this.#ending.signal);
      }
    }
    return undefined;
  }

  /** Runs a container as often as its pod wants, and says whether it ended well. */
  async #keep(spec: ContainerSpec, folder: string, volumes: ReadonlyMap<string, string>): Promise<boolean> {
    const state = this.#states.get(spec.name) as ContainerState;
    for (let wait = 1_000; ; wait = Math.min(wait * 2, LONGEST_PAUSE_MS)) {
      const begun = new Date().toISOString();
      const { exitCode, message } = await this.#once(spec, folder, volumes, state).catch((error: Error) => ({
        exitCode: 128,
        message: error.message,
      }));
      const reason = exitCode === 0 ? 'Completed' : 'Error';
      const terminated = { exitCode, reason, message, startedAt: begun, finishedAt: new Date().toISOString() };
      state.ready = false;
      state.started = false;
      const { restartPolicy } = this.#pod.spec;
      const isOver = restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && exitCode === 0);
      if (isOver || this.#ending.signal.aborted) {
        state.state = { terminated };
        await this.#tell();
        return exitCode === 0;
      }
      state.state = waiting('CrashLoopBackOff', message ?? `ended with ${exitCode}`);
      state.lastState = { terminated };
      state.restarts = (state.restarts ?? 0) + 1;
      await this.#tell();
      await pause(wait, this.#ending.signal);
      if (this.#ending.signal.aborted) return false;
    }
  }

  async #once(
    spec: ContainerSpec,
    folder: string,
    volumes: ReadonlyMap<string, string>,
    state: ContainerState,
  ): Promise<{ exitCode: number; message?: string }> {
    const parts = await this.#parts(spec, join(folder, `${spec.name}-${state.restarts ?? 0}`), volumes);
    const container = await Container.start(parts);
    const over = new AbortController();
    state.state = { running: { startedAt: new Date().toISOString() } };
    state.started = spec.startupProbe === undefined;
    state.ready = state.started && spec.readinessProbe === undefined;
    await this.#tell();
    const set = (ready: boolean) => {
      if (state.ready === ready) return;
      state.ready = ready;
      void this.#tell();
    };
    const ask = (asked: ContainerSpec, tell: (well: boolean) => void) =>
      asked && probe(asked, this.#address, spec.ports ?? [], tell, over.signal).catch((error) => console.error(error));
    const startAgain = (why: string) => {
      if (over.signal.aborted) return;
      console.error(`${this.#pod.metadata.name}: ${why}, started again`);
      void container.stop(this.#pod.spec.terminationGracePeriodSeconds * 1_000);
    };
    const watchOver = () => {
      ask(spec.readinessProbe, set);
      ask(spec.livenessProbe, (well) => well || startAgain('does not live'));
    };
    if (spec.startupProbe === undefined) watchOver();
    else {
      const starting = new AbortController();
      const started = (well: boolean) => {
        starting.abort();
        if (!well) return startAgain('does not start');
        state.started = true;
        set(spec.readinessProbe === undefined);
        watchOver();
      };
      const until = AbortSignal.any([starting.signal, over.signal]);
      void probe(spec.startupProbe, this.#address, spec.ports ?? [], started, until);
    }
    await Promise.race([container.exited, untilAborted(this.#ending.signal)]);
    if (this.#ending.signal.aborted) await this.#stop(container, spec);
    await container.exited;
    over.abort();
    return { exitCode: container.exitCode };
  }

  async #stop(container: Container, { lifecycle }: ContainerSpec): Promise<void> {
    const deadline = Date.now() + this.#graceMs;
    const seconds = lifecycle?.preStop?.sleep?.seconds;
    if (lifecycle?.preStop !== undefined && seconds === undefined)
      throw new Error('this kubelet only sleeps in preStop');
    if (seconds !== undefined) {
      const sleeping = new AbortController();
      await Promise.race([container.exited, pause(Math.min(this.#graceMs, seconds * 1_000), sleeping.signal)]);
      sleeping.abort();
    }
    await container.stop(Math.max(deadline - Date.now(), 0));
  }

  async #parts(spec: ContainerSpec, folder: string, volumes: ReadonlyMap<string, string>): Promise<ContainerParts> {
    const { namespace, name, uid } = this.#pod.metadata as { namespace: string; name: string; uid: string };
    const image = this.#settings.images[spec.image];
    if (image === undefined) throw new Error(`ErrImagePull: there is no image ${spec.image}`);
    const env = await environmentOf(this.#api, this.#pod, spec.env ?? [], { ...image.env, HOSTNAME: name });
    const words: readonly string[] = [...(spec.command ?? image.entrypoint), ...(spec.args ?? [])];
    const logs = join(this.#settings.logs, namespace);
    await mkdir(logs, { recursive: true });
    const { runAsUser = 0, runAsGroup = 0 } = { ...this.#pod.spec.securityContext, ...spec.securityContext };
    if (spec.securityContext?.readOnlyRootFilesystem !== true) throw new Error('this kubelet wants a read-only root');
    return {
      folder,
      log: join(logs, `${name}.log`),
      network: networkOf(uid).namespace,
      hostname: name,
      root: image.root,
      mounts: (spec.volumeMounts ?? []).map((mount: ContainerSpec) => ({
        from: join(volumes.get(mount.name) as string, mount.subPath ?? ''),
        to: mount.mountPath,
        readOnly: mount.readOnly === true,
      })),
      files: {
        '/etc/resolv.conf': `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local\nnameserver ${this.#settings.hostAddress}\noptions ndots:5\n`,
        '/etc/hosts': `127.0.0.1 localhost\n${this.#address} ${name}\n`,
      },
      readOnlyRoot: true,
      user: runAsUser,
      group: runAsGroup,
      argv: words.map((word) => expanded(word, env)),
      env,
    };
  }

  /** One after the other, so that what is told last is what is so. */
  #tell(): Promise<void> {
    const { namespace, name, uid } = this.#pod.metadata;
    this.#told = this.#told.then(async () => {
      const about = { pod: this.#pod, states: this.#states, phase: this.#phase, address: this.#address };
      const status = statusOf({ ...about, hostAddress: this.#settings.hostAddress, started: this.#started });
      await this.#api
        .patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, { metadata: { uid }, status })
        .catch(ignoreGone);
    });
    return this.#told;
  }
}

function waiting(reason: string, message?: string) {
  return { waiting: { reason, ...(message !== undefined && { message }) } };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** A pod that the API server knows no more, or another one by its name, needs nothing. */
function ignoreGone(error: Error): void {
  if (error instanceof ApiError && ['NotFound', 'Conflict'].includes(error.reason)) return;
  console.error(error.message);
}
