import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { typeScriptOptions } from './child-process.js';

export interface TestDatabase {
  readonly url: string;
  /** Ends every connection to it and removes it. */
  drop(): Promise<void>;
}

export interface TestPostgres {
  /** The URL of its administrator. */
  readonly url: string;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/**
 * A fresh, empty database on the server that GANGLION_TEST_POSTGRES names; without that, on an embedded PostgreSQL that
 * all workers of one test run share.
 *
 * @param options of CREATE DATABASE, as its locale
 */
export async function testDatabase(options = ''): Promise<TestDatabase> {
  const admin = process.env.GANGLION_TEST_POSTGRES ?? (await sharedServer()).url;
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await administer(admin, `CREATE DATABASE ${name} TEMPLATE template0 ${options}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Starts a PostgreSQL for tests, without durability; it ends with this process when nobody stops it before. */
export async function startTestPostgres(): Promise<TestPostgres> {
  return serverOf(process.pid);
}

/** jest's workers are children of the process that started the run. */
function sharedServer(): Promise<TestPostgres> {
  const inWorker = process.env.JEST_WORKER_ID !== undefined && process.connected === true;
  return serverOf(inWorker ? process.ppid : process.pid);
}

/** The server of one process: whoever makes its directory starts it, the others wait until it says where it is. */
async function serverOf(owner: number): Promise<TestPostgres> {
  const directory = join(tmpdir(), `ganglion-test-postgres-${process.getuid?.() ?? 0}-${owner}`);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (await isFirst(directory)) await startKeeper(directory, owner);
    const [url, pid, error] = await Promise.all(['url', 'pid', 'error'].map((file) => read(directory, file)));
    const alive = keeperOf(pid) !== undefined;
    if (url && alive) return { url, stop: () => stopKeeper(directory) };
    if (error) throw new Error(`PostgreSQL for tests did not start: ${error}`);
    // Left behind by a keeper that was killed.
    if (pid && !alive) await rm(directory, { recursive: true, force: true });
    await sleep(50);
  }
  throw new Error('PostgreSQL for tests did not start in time');
}

async function isFirst(directory: string): Promise<boolean> {
  try {
    await mkdir(directory);
    return true;
  } catch {
    return false;
  }
}

async function startKeeper(directory: string, owner: number): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const script = fileURLToPath(new URL(`./postgres-keeper.${extension}`, import.meta.url));
  const keeper = spawn(process.execPath, [...typeScriptOptions(), script, directory, String(owner)], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  keeper.unref();
  await writeFile(join(directory, 'pid'), String(keeper.pid));
}

async function stopKeeper(directory: string): Promise<void> {
  const pid = keeperOf(await read(directory, 'pid'));
  if (pid) process.kill(pid, 'SIGTERM');
  while (existsSync(directory)) await sleep(20);
}

/** The keeper's process id while it lives. */
function keeperOf(text: string | undefined): number | undefined {
  const pid = Number(text);
  try {
    return text && process.kill(pid, 0) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function read(directory: string, file: string): Promise<string | undefined> {
  return readFile(join(directory, file), 'utf8').catch(() => undefined);
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
