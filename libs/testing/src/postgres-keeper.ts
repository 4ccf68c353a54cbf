/**
 * Runs one PostgreSQL for the tests of one process and its children, as a process of its own: so it outlives the jest
 * worker that happened to need it first, and is gone soon after the process it was started for, however that ends.
 * Arguments: its directory, and the id of the process to watch.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '@ganglion/embedded-postgres';
import { freePort } from './free-ports.js';

/** Nothing that a test writes has to survive the machine. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: '400', shared_buffers: '64MB' };

const [directory = '', watched = ''] = process.argv.slice(2);

let wanted = true;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    wanted = false;
  });
}

try {
  const dataDir = join(directory, 'data');
  const postgres = await startEmbeddedPostgres({ dataDir, port: await freePort(), settings: SETTINGS });
  const url = new URL(postgres.url);
  url.pathname = '/postgres';
  await writeFile(join(directory, 'url.new'), url.href);
  await rename(join(directory, 'url.new'), join(directory, 'url'));
  await untilUnwanted();
  await postgres.stop();
} catch (error) {
  await writeFile(join(directory, 'error'), String(error));
  await untilUnwanted();
} finally {
  await rm(directory, { recursive: true, force: true });
}
process.exit(0);

async function untilUnwanted(): Promise<void> {
  while (wanted && isAlive(Number(watched))) await sleep(200);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
