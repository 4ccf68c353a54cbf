import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.js';
import type { RunAs } from './run-as.js';

/** The only role, and the owner of everything. */
export const ROLE = 'ganglion';

const PASSWORD_FILE = 'ganglion.password';

/** Makes the folder if need be, and says whether there is a database in it. */
export async function inspectDataDir(dataDir: string): Promise<'empty' | 'initialised'> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const entries = await readdir(dataDir);
  if (entries.length === 0) return 'empty';
  if (entries.includes('PG_VERSION')) return 'initialised';
  throw new Error(`${dataDir} holds something that is not a PostgreSQL database; it is left alone.`);
}

/** The role's password, made with the database. */
export async function readPassword(dataDir: string): Promise<string> {
  return (await readFile(join(dataDir, PASSWORD_FILE), 'utf8')).trim();
}

/** Makes a database cluster in an empty folder. One that was cut off half-way is never taken for a whole one. */
export async function initialise(dataDir: string, { initdb }: Binaries, runAs: RunAs): Promise<void> {
  const half = join(dirname(dataDir), `.${randomBytes(6).toString('hex')}.initdb`);
  const passwordFile = `${half}.password`;
  try {
    await mkdir(half, { mode: 0o700 });
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (runAs.ids) await Promise.all([half, passwordFile].map((path) => chown(path, runAs.ids!.uid, runAs.ids!.gid)));
    await runInitdb(initdb, half, passwordFile, runAs);
    await rename(passwordFile, join(half, PASSWORD_FILE));
    await rm(dataDir, { recursive: true });
    await rename(half, dataDir);
  } finally {
    await rm(half, { recursive: true, force: true });
    await rm(passwordFile, { force: true });
  }
}

async function runInitdb(initdb: string, dir: string, passwordFile: string, runAs: RunAs): Promise<void> {
  const [command = initdb, ...args] = [
    ...[...runAs.prefix, initdb, `--pgdata=${dir}`, `--pwfile=${passwordFile}`, `--username=${ROLE}`],
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions'],
  ];
  const ids = runAs.prefix.length === 0 ? runAs.ids : {};
  await promisify(execFile)(command, args, { cwd: '/', ...ids, env: { ...process.env, LC_ALL: 'C' } });
}
