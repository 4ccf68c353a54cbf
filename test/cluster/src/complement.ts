/** A homeserver for Complement that is a cluster: see test/complement/start. */
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { startEmbeddedPostgres } from '@ganglion/embedded-postgres';
import { freePort, loadRouteTable, startCluster, startNatsServer, startProxy, Watchdog } from '@ganglion/testing';
import { SETTINGS } from './complement-settings.ts';

/** What has begun and has to end again, the latest first. */
const steps: (() => Promise<unknown>)[] = [];

async function start(): Promise<void> {
  const data = given('DATA_DIR');
  const logs = join(data, 'logs');
  await mkdir(logs, { recursive: true });
  const pids = await mkdtemp(join(tmpdir(), 'ganglion-complement-'));
  const watchdog = new Watchdog(pids);
  steps.push(() => watchdog.release());
  const postgres = await startEmbeddedPostgres({
    dataDir: join(data, 'postgres'),
    settings: { max_connections: '300' },
  });
  steps.push(() => postgres.stop());
  const nats = await startNatsServer({ storeDir: join(data, 'nats') });
  steps.push(() => nats.close());
  const where = { databaseUrl: postgres.url, natsUrl: nats.url, folder: data, pids, logs };
  const cluster = await startCluster({ ...where, port: await freePort(), settings: SETTINGS });
  steps.push(() => cluster.stop());
  const ingress = { host: given('BIND_ADDR'), routes: loadRouteTable(), replicas: cluster.replicasOf };
  const [cert, key] = await Promise.all([readFile(given('TLS_CERT')), readFile(given('TLS_KEY'))]);
  const federation = await startProxy({ ...ingress, port: Number(given('FEDERATION_PORT')), tls: { cert, key } });
  steps.push(() => federation.close());
  // Complement takes it for ready when it answers here.
  const clients = await startProxy({ ...ingress, port: Number(given('CLIENT_PORT')) });
  steps.push(() => clients.close());
}

/** @throws Error when it is not given */
function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}

const stopped = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
});
try {
  await start();
  await stopped;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  for (const step of steps.splice(0).reverse()) await step();
}
