import { CALLED_SERVICES, SERVICE_NAMES, type ServiceName } from '@ganglion/config';
import { freePort, freePorts } from '../free-ports.js';
import { type RunningProxy, startProxy } from './proxy.js';
import { loadRouteTable } from './routes.js';
import { type Program, ServerProcess } from './server-process.js';
import { type Settings, writeSettings } from './settings.js';

export interface ClusterOptions {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** For the configuration and the signing keys. */
  readonly folder: string;
  /** For the process ids, watched over. */
  readonly pids: string;
  readonly logs: string;
  /** Of the proxy; a free one by default. */
  readonly port?: number;
  /** Of every service. */
  readonly replicas?: number;
  readonly settings?: Settings;
  /** Settings in the form of `GANGLION_…`, for every process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One process of a cluster. */
export interface Replica {
  readonly service: ServiceName;
  /** Where it answers clients; the services that have nothing for them answer only for their health. */
  readonly url: string;
  /** Where it answers the other services. */
  readonly rpc: string;
  /** Where it answers operators: its metrics and its health. */
  readonly operators: string;
  /** Where it says whether it is ready. */
  readonly health: string;
  /** While it runs. */
  readonly pid: number | undefined;
  readonly logFile: string;
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again, after it has ended, be it as another program. */
  start(program?: Program): Promise<void>;
}

/** Processes of every service, behind a proxy that sends each path to the service that owns it. */
export interface Cluster {
  /** Of the proxy. */
  readonly url: string;
  /** The configuration of all of them. */
  readonly config: string;
  readonly replicas: readonly Replica[];
  replicasOf(service: ServiceName): readonly Replica[];
  /** Runs a command of `ganglion` to its end. @throws Error with the end of its log when it fails */
  run(command: string, program?: Program): Promise<void>;
  stop(): Promise<void>;
}

interface Ports {
  readonly rpc: number;
  readonly http: number;
  readonly operators: number;
}

const HOST = '127.0.0.1';

/**
 * Migrates the database, makes the signing keys, and starts a cluster.
 *
 * @throws Error with the log of the process that did not start; the others are stopped then
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const port = options.port ?? (await freePort());
  const plan = await planReplicas(options.replicas ?? 2);
  const config = await writeSettings(options.folder, clusterSettings(options, port, plan));
  const run = (command: string, program?: Program) => runCommand(options, config, command, program);
  await Promise.all([run('migrate'), run('generate-signing-key')]);
  const routes = loadRouteTable();
  const answersClients = (service: ServiceName) => routes.services.includes(service);
  const replicas = plan.map((replica) => new ClusterReplica(replica, options, config, answersClients(replica.service)));
  const replicasOf = (service: ServiceName) => replicas.filter((replica) => replica.service === service);
  let proxy: RunningProxy | undefined;
  const stop = async () => {
    await proxy?.close();
    await Promise.all(replicas.map((replica) => replica.stop()));
  };
  try {
    await Promise.all(replicas.map((replica) => replica.start()));
    proxy = await startProxy({ port, routes, replicas: replicasOf });
    return { url: proxy.url, config, replicas, replicasOf, run, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface PlannedReplica {
  readonly service: ServiceName;
  readonly index: number;
  readonly ports: Ports;
}

async function planReplicas(count: number): Promise<PlannedReplica[]> {
  const ports = await freePorts(SERVICE_NAMES.length * count * 3);
  return SERVICE_NAMES.flatMap((service) =>
    Array.from({ length: count }, (_, index) => {
      const [rpc = 0, http = 0, operators = 0] = ports.splice(0, 3);
      return { service, index, ports: { rpc, http, operators } };
    }),
  );
}

/** The listener of the file is the proxy, for the commands that look there; each process overrides it with its own. */
function clusterSettings(
  { databaseUrl, natsUrl, settings }: ClusterOptions,
  port: number,
  plan: readonly PlannedReplica[],
): Settings {
  const replicasOf = (service: ServiceName) => plan.filter((replica) => replica.service === service);
  const addresses = CALLED_SERVICES.map((service) => [service, replicasOf(service).map(rpcAddress)]);
  return {
    bus: { kind: 'jetstream', servers: [natsUrl] },
    rpc: { endpoints: Object.fromEntries(addresses) },
    ...settings,
    database: { pool_size: 6, ...settings?.database, url: databaseUrl },
    http: { public_base_url: `http://${HOST}:${port}`, ...settings?.http, listeners: [{ host: HOST, port }] },
  };
}

function rpcAddress({ ports }: PlannedReplica): string {
  return `${HOST}:${ports.rpc}`;
}

function runCommand({ pids, logs, env = {} }: ClusterOptions, config: string, command: string, program?: Program) {
  const args = [command, '-c', config];
  return new ServerProcess({ name: command, args, env, folder: pids, logs, health: [] }).run(program);
}

class ClusterReplica implements Replica {
  readonly service: ServiceName;
  readonly url: string;
  readonly rpc: string;
  readonly operators: string;
  readonly health: string;
  readonly #process: ServerProcess;

  constructor(
    replica: PlannedReplica,
    { pids, logs, env: common }: ClusterOptions,
    config: string,
    answersClients: boolean,
  ) {
    const { service, index, ports } = replica;
    const operators = `${HOST}:${ports.operators}`;
    const http = `http://${HOST}:${ports.http}`;
    this.service = service;
    this.rpc = rpcAddress(replica);
    this.operators = `http://${operators}`;
    this.url = answersClients ? http : this.operators;
    const env = {
      ...common,
      GANGLION_RPC__LISTEN: this.rpc,
      GANGLION_HTTP__LISTENERS__0__PORT: String(ports.http),
      GANGLION_TELEMETRY__METRICS__LISTEN: operators,
    };
    this.health = `${this.operators}/health/ready`;
    const health = [this.health, ...(answersClients ? [`${this.url}/health`] : [])];
    const args = ['start', service, '-c', config];
    this.#process = new ServerProcess({ name: `${service}-${index}`, args, env, folder: pids, logs, health });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get logFile(): string {
    return this.#process.logFile;
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }

  start(program?: Program): Promise<void> {
    return this.#process.start(program);
  }
}
