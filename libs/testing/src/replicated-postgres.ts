import { chmod, chown, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@ganglion/embedded-postgres';
import pg from 'pg';
import { freePort } from './free-ports.js';

/** A PostgreSQL and a replica that streams from it. */
export interface ReplicatedPostgres {
  readonly url: string;
  readonly replica: {
    readonly url: string;
    /** From now on it shows what it has, and nothing newer. */
    pause(): Promise<void>;
    resume(): Promise<void>;
    /** It is gone, and connections to it are refused. */
    stop(): Promise<void>;
    start(): Promise<void>;
    /** It stops being a replica and goes its own way. */
    promote(): Promise<void>;
  };
  stop(): Promise<void>;
}

/** Nothing has to survive the machine. */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  shared_buffers: '16MB',
  max_connections: '50',
};
const PRIMARY = { wal_level: 'replica', max_wal_senders: '4', wal_keep_size: '1GB' };
/** Reading goes on whatever has to be replayed. */
const STANDBY = { ...PRIMARY, max_standby_streaming_delay: '-1', wal_retrieve_retry_interval: '50ms' };

/** Starts both. They end with this process when nobody stops them before. */
export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'ganglion-replicated-'));
  // PostgreSQL may run as another user, who has to get through.
  await chmod(folder, 0o711);
  const primary = await startEmbeddedPostgres({
    dataDir: join(folder, 'primary'),
    port: await freePort(),
    settings: { ...SETTINGS, ...PRIMARY },
  });
  const replica = await startReplica(primary.url, join(folder, 'primary'), join(folder, 'replica'));
  return {
    url: primary.url,
    replica,
    async stop() {
      await replica.stop();
      await primary.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startReplica(primaryUrl: string, primaryDir: string, dataDir: string) {
  await backUp(primaryUrl, primaryDir, dataDir);
  const settings = { ...SETTINGS, ...STANDBY, primary_conninfo: conninfo(primaryUrl) };
  const port = await freePort();
  const start = () => startEmbeddedPostgres({ dataDir, port, settings });
  let server = await start();
  const { url } = server;
  return {
    url,
    pause: () => run(url, 'SELECT pg_wal_replay_pause()'),
    resume: () => run(url, 'SELECT pg_wal_replay_resume()'),
    promote: () => run(url, 'SELECT pg_promote()'),
    stop: () => server.stop(),
    async start() {
      server = await start();
    },
  };
}

/** A copy of the running primary's files, made to follow it. */
async function backUp(url: string, from: string, to: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query("SELECT pg_backup_start('replica', true)");
    await cp(from, to, { recursive: true, filter: (path) => !/\/pg_wal\/[0-9A-F]{24}|\/postmaster\.\w+$/.test(path) });
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    await writeFile(join(to, 'backup_label'), rows[0]!.labelfile);
    await writeFile(join(to, 'standby.signal'), '');
  } finally {
    await client.end();
  }
  await giveTo(await stat(from), to);
}

async function giveTo({ uid, gid, mode }: { uid: number; gid: number; mode: number }, folder: string): Promise<void> {
  const paths = await readdir(folder, { recursive: true });
  await Promise.all([folder, ...paths.map((path) => join(folder, path))].map((path) => chown(path, uid, gid)));
  await chmod(folder, mode);
}

function conninfo(url: string): string {
  const { hostname, port, username, password } = new URL(url);
  return `host=${hostname} port=${port} user=${username} password=${password} application_name=replica`;
}

async function run(url: string, text: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
