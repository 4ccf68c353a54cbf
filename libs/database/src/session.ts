import { Socket } from 'node:net';
import pg from 'pg';
import type { PoolOptions } from './pool.js';

/** A connection of its own that says by being there that this process lives. */
export interface Session {
  /** What PostgreSQL calls it. */
  readonly pid: number;
  /** As text, to the microsecond: numbers of processes come again. */
  readonly startedAt: string;
  /** Resolves when it is over, whoever has ended it. */
  readonly ended: Promise<void>;
  /** Ends it, whether PostgreSQL answers or not. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that is gone says nothing, not even good-bye. */
const ANSWER_TIMEOUT_MS = 5_000;
const GOOD_BYE_MS = 1_000;

/** @throws Error when the database cannot be reached */
export async function openSession({
  url,
  applicationName,
}: Pick<PoolOptions, 'url' | 'applicationName'>): Promise<Session> {
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: url,
    application_name: `${applicationName} leading`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    stream: () => socket,
  });
  const ended = new Promise<void>((resolve) => client.once('end', resolve));
  // Its end says all there is to say.
  client.on('error', () => {});
  const close = async () => {
    const late = setTimeout(() => socket.destroy(), GOOD_BYE_MS);
    await client.end().catch(() => {});
    clearTimeout(late);
    socket.destroy();
  };
  try {
    await client.connect();
    const { rows } = await client.query<{ pid: number; started: string }>(
      'SELECT pid, backend_start::text AS started FROM pg_stat_get_activity(pg_backend_pid())',
    );
    const { pid, started } = rows[0]!;
    return { pid, startedAt: started, ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}
