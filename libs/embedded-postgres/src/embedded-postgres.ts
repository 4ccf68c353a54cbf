import { chown, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findBinaries } from './binaries.js';
import { initialise, inspectDataDir, ROLE, readPassword } from './data-dir.js';
import { clearLock, isInUse } from './lock-file.js';
import { chooseRunAs } from './run-as.js';
import { ServerProcess } from './server-process.js';
import { type Listening, serverArguments } from './settings.js';

export interface EmbeddedPostgresOptions {
  /** Its files; made when they are not there. */
  readonly dataDir: string;
  /** A port on 127.0.0.1. Without one it is reached only through a Unix socket in `dataDir`. */
  readonly port?: number;
  /** Settings of PostgreSQL that differ from ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gets what it logs: what it or a connection dies of. */
  readonly onLog?: (line: string) => void;
}

/** A PostgreSQL that lives and dies with this process. */
export interface EmbeddedPostgres {
  /** Of the database `ganglion`, with everything a client needs. */
  readonly url: string;
  /** Shuts it down cleanly. Connections that are still open are cut. */
  stop(): Promise<void>;
}

/** Longer paths do not fit into the address of a Unix socket. */
const LONGEST_SOCKET_DIR = 85;
const PATIENCE_MS = 60_000;

/**
 * Starts the PostgreSQL that comes with Ganglion and returns when it answers.
 *
 * @throws Error when the folder holds something else or is in use, when there is no PostgreSQL for this machine, or with
 * what PostgreSQL said when it did not start
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const listening = chooseListening(dataDir, options.port);
  const binaries = await findBinaries();
  const found = await inspectDataDir(dataDir);
  const runAs = chooseRunAs(dataDir, binaries);
  if (found === 'empty') {
    if (runAs.ids) await chown(dataDir, runAs.ids.uid, runAs.ids.gid);
    await initialise(dataDir, binaries, runAs);
  }
  await clearLock(dataDir);

  const args = serverArguments(dataDir, listening, { ...options.settings });
  const server = new ServerProcess(binaries.postgres, args, runAs, options.onLog ?? (() => {}));
  try {
    const url = databaseUrl(listening, await readPassword(dataDir));
    await untilReady(server, dataDir, url);
    return { url, stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The URL of the PostgreSQL that another process runs on these files, if one does and takes connections. */
export async function runningPostgresUrl(options: EmbeddedPostgresOptions): Promise<string | undefined> {
  const dataDir = resolve(options.dataDir);
  if (!(await isInUse(dataDir)) || !(await saysReady(dataDir))) return undefined;
  return databaseUrl(chooseListening(dataDir, options.port), await readPassword(dataDir));
}

function chooseListening(dataDir: string, port: number | undefined): Listening {
  if (port !== undefined) return { port };
  if (dataDir.length <= LONGEST_SOCKET_DIR) return { socketDir: dataDir };
  throw new Error(
    `The path ${dataDir} is too long for a Unix socket. Set database.embedded.port, or choose a shorter one.`,
  );
}

function databaseUrl({ port, socketDir }: Listening, password: string, database = 'ganglion'): string {
  const address = socketDir === undefined ? `127.0.0.1:${port}` : 'localhost';
  const url = new URL(`postgresql://${ROLE}:${password}@${address}/${database}`);
  if (socketDir !== undefined) url.searchParams.set('host', socketDir);
  return url.href;
}

/** Waits until the server takes connections, and makes the database `ganglion` if it is not there. */
async function untilReady(server: ServerProcess, dataDir: string, url: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await saysReady(dataDir))) {
    if (!server.running) throw new Error(`PostgreSQL did not start: ${server.output}`);
    if (Date.now() > deadline) throw new Error(`PostgreSQL does not become ready: ${server.output}`);
    await sleep(10);
  }
  await ensureDatabase(url);
}

/** PostgreSQL keeps its state in the last line of its lock file, for pg_ctl and for us. */
async function saysReady(dataDir: string): Promise<boolean> {
  const lock = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  return lock.split('\n')[7]?.trim() === 'ready';
}

async function ensureDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new pg.Client(maintenance.href);
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = 'ganglion'");
    if (rowCount === 0) await client.query('CREATE DATABASE ganglion');
  } finally {
    await client.end();
  }
}
