/** `npm run cluster`: a whole cluster on one machine, for development. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { startEmbeddedPostgres } from '@ganglion/embedded-postgres';
import { type Cluster, startCluster, startNatsServer, Watchdog } from '@ganglion/testing';
import { introduce } from './introduce.ts';
import { help, type Options, parseOptions } from './options.ts';

/** One press of Ctrl-C may arrive twice: from the terminal and from the launcher. */
const SAME_SIGNAL_MS = 500;

/** What has begun and has to end again, the latest first. */
const steps: (() => Promise<unknown>)[] = [];

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) return void process.stdout.write(help);
  const stopped = untilStopped();
  try {
    await start(options);
    await stopped;
    process.stderr.write('Stopping: finishing what is under way.\n');
  } finally {
    for (const step of steps.splice(0).reverse()) await step();
  }
}

async function start({ port, replicas, data }: Options): Promise<void> {
  const logs = join(data, 'logs');
  await mkdir(logs, { recursive: true });
  const pids = await mkdtemp(join(tmpdir(), 'ganglion-cluster-'));
  const watchdog = new Watchdog(pids);
  steps.push(() => watchdog.release());
  process.stderr.write('Starting PostgreSQL and NATS.\n');
  const postgres = await startEmbeddedPostgres({
    dataDir: join(data, 'postgres'),
    settings: { max_connections: '300' },
  });
  steps.push(() => postgres.stop());
  const nats = await startNatsServer({ storeDir: join(data, 'nats') });
  steps.push(() => nats.close());
  process.stderr.write('Starting the services.\n');
  const common = { databaseUrl: postgres.url, natsUrl: nats.url, folder: data, pids, logs, env: settings() };
  const cluster: Cluster = await startCluster({ ...common, port, replicas });
  steps.push(() => cluster.stop());
  process.stdout.write(introduce(cluster, data, postgres.url, nats.url));
}

function settings(): Record<string, string> {
  const given = Object.entries(process.env).filter(([name]) => /^GANGLION_(?!TEST_|CONFIG$)/.test(name));
  return Object.fromEntries(given) as Record<string, string>;
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const onSignal = () => {
      first ??= Date.now();
      if (Date.now() - first > SAME_SIGNAL_MS) process.exit(1);
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}

await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
