import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/index.js';

let folder: string;
let dataDir: string;
const running: EmbeddedPostgres[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ganglion-pg-'));
  await chmod(folder, 0o755);
  dataDir = join(folder, 'postgres');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function start(dir = dataDir, port?: number): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: dir, ...(port === undefined ? {} : { port }) });
  running.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

async function serverPid(): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postmaster.pid'), 'utf8'), 10);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

it('makes a database, keeps it over a restart, and is gone after a stop', async () => {
  const first = await start();
  expect(await query(first.url, 'SHOW server_version_num')).toEqual([expect.stringMatching(/^18/)]);
  expect(await query(first.url, 'SELECT current_database(), current_user')).toEqual(['ganglion', 'ganglion']);
  await query(first.url, 'CREATE TABLE t AS SELECT 42 AS x');
  const pid = await serverPid();
  await first.stop();
  expect(isAlive(pid)).toBe(false);

  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await query(second.url, 'SELECT x FROM t')).toEqual([42]);
}, 30_000);

it('commits to the disk and compiles no queries', async () => {
  const { url } = await start();
  const names = ['synchronous_commit', 'fsync', 'full_page_writes', 'jit', 'shared_buffers', 'listen_addresses'];
  const values = await query(url, `SELECT ${names.map((name) => `current_setting('${name}')`).join(', ')}`);
  expect(values).toEqual(['on', 'on', 'on', 'off', '128MB', '']);
}, 30_000);

it('asks for the password', async () => {
  const { url } = await start();
  const wrong = new URL(url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
}, 30_000);

it('listens on a port when told to', async () => {
  const { url } = await start(dataDir, 54_329);
  expect(url).toMatch(/^postgresql:\/\/ganglion:[^@]+@127\.0\.0\.1:54329\/ganglion$/);
  expect(await query(url, 'SELECT 1')).toEqual([1]);
}, 30_000);

it('starts in spite of the lock of a server that was cut off, when its process id is somebody else’s now', async () => {
  await (await start()).stop();
  const other = spawn('sleep', ['60'], process.getuid?.() === 0 ? { uid: await ownerOf(dataDir) } : {});
  try {
    await writeFile(join(dataDir, 'postmaster.pid'), `${other.pid}\n${dataDir}\n1700000000\n5432\n`);
    const { url } = await start();
    expect(await query(url, 'SELECT 1')).toEqual([1]);
  } finally {
    other.kill();
  }
}, 30_000);

async function ownerOf(path: string): Promise<number> {
  const { stat } = await import('node:fs/promises');
  return (await stat(path)).uid;
}

it('never touches a folder that holds something else', async () => {
  await mkdir(dataDir);
  await writeFile(join(dataDir, 'diary.txt'), 'dear diary');
  await expect(start()).rejects.toThrow(/holds something that is not a PostgreSQL database/);
  expect(await readFile(join(dataDir, 'diary.txt'), 'utf8')).toBe('dear diary');
});

it('says what PostgreSQL said when it does not start', async () => {
  await (await start()).stop();
  await writeFile(join(dataDir, 'PG_VERSION'), '9.6\n');
  await expect(start()).rejects.toThrow(/PostgreSQL did not start: .*incompatible/s);
}, 30_000);

it('refuses a path that no Unix socket fits into, unless there is a port', async () => {
  await expect(start(join(folder, 'x'.repeat(100)))).rejects.toThrow(/too long for a Unix socket/);
}, 30_000);

it('works below a folder that only we may enter', async () => {
  await chmod(folder, 0o700);
  const { url } = await start();
  expect(await query(url, 'SELECT 1')).toEqual([1]);
}, 30_000);

it('dies with the process that started it, even by SIGKILL, and the next one finds everything committed', async () => {
  const program = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(join(import.meta.dirname, '../dist/index.js'))});
    const { url } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
    process.stdout.write(url);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
  await query(url, 'CREATE TABLE t AS SELECT 42 AS x');
  const pid = await serverPid();
  child.kill('SIGKILL');

  const next = await start();
  expect(isAlive(pid)).toBe(false);
  expect(await query(next.url, 'SELECT x FROM t')).toEqual([42]);
}, 30_000);
