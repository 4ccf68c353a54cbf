import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, freePorts } from '../free-ports.js';
import { type NatsServer, startNatsServer } from '../nats-server.js';
import { testDatabase } from '../postgres.js';
import { Watchdog } from '../watchdog.js';
import { type Cluster, startCluster } from './cluster.js';
import { withLogs } from './logs.js';
import { ServerProcess } from './server-process.js';
import { type Settings, writeSettings } from './settings.js';

export interface TestDeploymentOptions {
  readonly settings?: Settings;
}

/** A running Ganglion, of one process or of many, that a test has for itself. */
export interface TestDeployment {
  /** Where clients reach it. */
  readonly url: string;
  readonly databaseUrl: string;
  /** Runs a part of a test; what it fails with says what the servers have logged. */
  explaining<T>(run: () => Promise<T>): Promise<T>;
  /** Ends all of it and removes what it leaves behind. */
  close(): Promise<void>;
}

export interface TestAllInOne extends TestDeployment {
  readonly process: ServerProcess;
}

/** One of several processes that have everything in them. */
export interface IdenticalProcess {
  /** Where it answers clients. */
  readonly url: string;
  readonly process: ServerProcess;
}

export interface TestIdenticalProcesses extends TestDeployment {
  readonly processes: readonly IdenticalProcess[];
}

export interface TestCluster extends TestDeployment, Pick<Cluster, 'replicas' | 'replicasOf' | 'run'> {
  readonly nats: NatsServer;
}

/** Everything in one process, with the embedded bus. @throws Error with its log when it does not start */
export async function startAllInOne({ settings = {} }: TestDeploymentOptions = {}): Promise<TestAllInOne> {
  const ground = await prepareGround();
  try {
    const port = await freePort();
    const config = await writeSettings(ground.folder, {
      ...settings,
      database: { ...settings.database, url: ground.databaseUrl },
      http: { ...settings.http, listeners: [{ port }] },
    });
    const url = `http://127.0.0.1:${port}`;
    const args = ['start', '-c', config];
    const { folder, logs } = ground;
    const process = new ServerProcess({
      name: 'all-in-one',
      args,
      env: {},
      folder,
      logs,
      health: [`${url}/health`],
    });
    ground.cleanUp.push(() => process.stop());
    await process.start();
    return { ...deploymentOn(ground, url), process };
  } catch (error) {
    await ground.close();
    throw error;
  }
}

/** Processes that each have everything in them, on one database and a NATS. @throws Error with the log of what does not start */
export async function startIdenticalProcesses(
  count: number,
  { settings = {} }: TestDeploymentOptions = {},
): Promise<TestIdenticalProcesses> {
  const ground = await prepareGround();
  try {
    const nats = await startNatsServer();
    ground.cleanUp.push(() => nats.close());
    const { folder, logs } = ground;
    const ports = await freePorts(count);
    const config = await writeSettings(folder, {
      ...settings,
      bus: { kind: 'jetstream', servers: [nats.url] },
      database: { pool_size: 10, ...settings.database, url: ground.databaseUrl },
      http: { ...settings.http, listeners: [{ port: ports[0]! }] },
    });
    const processes = ports.map((port, index) => {
      const url = `http://127.0.0.1:${port}`;
      const env = { GANGLION_HTTP__LISTENERS__0__PORT: String(port) };
      const args = ['start', '-c', config];
      const process = new ServerProcess({
        name: `process-${index}`,
        args,
        env,
        folder,
        logs,
        health: [`${url}/health`],
      });
      return { url, process };
    });
    ground.cleanUp.push(async () => {
      await Promise.all(processes.map(({ process }) => process.stop()));
    });
    await Promise.all(processes.map(({ process }) => process.start()));
    return { ...deploymentOn(ground, processes[0]!.url), processes };
  } catch (error) {
    await ground.close();
    throw error;
  }
}

/** Two of every service, on a NATS of their own. @throws Error with the log of what does not start */
export async function startTestCluster({ settings = {} }: TestDeploymentOptions = {}): Promise<TestCluster> {
  const ground = await prepareGround();
  try {
    const nats = await startNatsServer();
    ground.cleanUp.push(() => nats.close());
    const { folder, logs, databaseUrl } = ground;
    const cluster = await startCluster({ databaseUrl, natsUrl: nats.url, folder, pids: folder, logs, settings });
    ground.cleanUp.push(() => cluster.stop());
    const { replicas, replicasOf, run } = cluster;
    return { ...deploymentOn(ground, cluster.url), replicas, replicasOf, run, nats };
  } catch (error) {
    await ground.close();
    throw error;
  }
}

/** What a deployment stands on, and how to get rid of it: the latest first. */
interface Ground {
  readonly folder: string;
  readonly logs: string;
  readonly databaseUrl: string;
  readonly cleanUp: (() => Promise<void>)[];
  close(): Promise<void>;
}

async function prepareGround(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'ganglion-deployment-'));
  const logs = join(folder, 'logs');
  await mkdir(logs);
  const watchdog = new Watchdog(folder);
  const database = await testDatabase();
  const cleanUp = [() => watchdog.release(), () => database.drop()];
  const close = async () => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  };
  return { folder, logs, databaseUrl: database.url, cleanUp, close };
}

function deploymentOn({ logs, databaseUrl, close }: Ground, url: string): TestDeployment {
  return { url, databaseUrl, close, explaining: (run) => withLogs(logs, run) };
}
