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
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** @throws Error when the database cannot be reached */
export async function openSession({
  url,
  applicationName,
}: Pick<PoolOptions, 'url' | 'applicationName'>): Promise<Session> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `${applicationName} leading`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  const ended = new Promise<void>((resolve) => client.once('end', resolve));
  // Its end says all there is to say.
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number; started: string }>(
    'SELECT pid, backend_start::text AS started FROM pg_stat_get_activity(pg_backend_pid())',
  );
  const { pid, started } = rows[0]!;
  return { pid, startedAt: started, ended, close: () => client.end() };
}
