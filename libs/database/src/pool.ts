import { setTimeout as sleep } from 'node:timers/promises';
import { atTracePoint, type Gauge, type Histogram, type Logger, type Metrics } from '@ganglion/telemetry';
import pg from 'pg';
import { describeStatement, type TracedStatement } from './statement.js';
import { typeParsers } from './types.js';

export interface PoolOptions {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** The most connections held at once. */
  readonly max: number;
  /** What pg_stat_activity and the metrics call this pool. */
  readonly applicationName: string;
  /** A statement that takes longer is logged, without its values. */
  readonly slowStatementMs: number;
  /** How long to wait for a free or new connection. */
  readonly acquireTimeoutMs?: number;
  /** How long a statement may run; without it, or with 0, as PostgreSQL is configured. */
  readonly statementTimeoutMs?: number;
  /** How long a statement may wait for each lock; without it, or with 0, as PostgreSQL is configured. */
  readonly lockTimeoutMs?: number;
  /** After how long without an answer a statement is left to its fate, and its connection with it; never by default. */
  readonly readTimeoutMs?: number;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

type ConnectCallback = (error: Error | undefined, client: pg.PoolClient | undefined, done: () => void) => void;
type QueryCallback = (error: Error | null, result: pg.QueryResult) => void;

/** A pool of connections that knows its waiting times and which statements are slow. */
export function createPool(options: PoolOptions): pg.Pool {
  const { url, max, applicationName, acquireTimeoutMs = 10_000, logger, metrics } = options;
  const { statementTimeoutMs = 0, lockTimeoutMs = 0, readTimeoutMs } = options;
  const config: pg.PoolConfig = {
    connectionString: url,
    max,
    application_name: applicationName,
    connectionTimeoutMillis: acquireTimeoutMs,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    ...(readTimeoutMs !== undefined && { query_timeout: readTimeoutMs }),
    // Each takes several megabytes of PostgreSQL's memory.
    idleTimeoutMillis: 10_000,
    keepAlive: true,
    types: typeParsers,
    Client: watchedClient(options) as never,
  };
  const pool = metrics ? new MeasuredPool(config, acquireTimes(metrics), applicationName) : new pg.Pool(config);
  // A connection that breaks while idle is replaced at the next query; unheard, this event would end the process.
  pool.on('error', (error) => logger?.warn({ err: error, pool: applicationName }, 'an idle database connection broke'));
  endWithConnections(pool);
  if (metrics) observePool(pool, metrics, applicationName);
  return pool;
}

/** The driver's `end` says good-bye and resolves; ours resolves when the connections are gone. */
function endWithConnections(pool: pg.Pool): void {
  const open = new Set<pg.PoolClient>();
  pool.on('connect', (client) => open.add(client));
  pool.on('remove', (client) => open.delete(client));
  const end = pool.end.bind(pool);
  pool.end = (async () => {
    await end();
    if (open.size === 0) return;
    await new Promise<void>((resolve) => pool.on('remove', () => open.size === 0 && resolve()));
  }) as typeof pool.end;
}

/** Lets what runs or waits finish until the deadline, as time of performance.now(), then ends all connections. */
export async function drainPool(pool: pg.Pool, deadline: number): Promise<void> {
  // An ending pool forgets those who wait for a connection.
  while (pool.waitingCount > 0 && performance.now() < deadline) await sleep(5);
  const timeout = new AbortController();
  const late = sleep(Math.max(0, deadline - performance.now()), undefined, { signal: timeout.signal, ref: false });
  await Promise.race([pool.end(), late.catch(() => {})]);
  timeout.abort();
}

function acquireTimes(metrics: Metrics): Histogram {
  return metrics.histogram({
    name: 'ganglion_database_acquire_seconds',
    help: 'How long those waited for a connection who found none idle.',
    labels: ['pool'],
  });
}

function observePool(pool: pg.Pool, metrics: Metrics, name: string): void {
  const gauge = (state: string, help: string): Gauge =>
    metrics.gauge({ name: `ganglion_database_connections_${state}`, help, labels: ['pool'] });
  const ends = [
    gauge('total', 'Connections that are open.').observe(() => pool.totalCount, { pool: name }),
    gauge('idle', 'Connections that nobody uses.').observe(() => pool.idleCount, { pool: name }),
    gauge('waiting', 'Callers that wait for a connection.').observe(() => pool.waitingCount, { pool: name }),
  ];
  const end = pool.end.bind(pool);
  pool.end = (async () => {
    for (const stop of ends) stop();
    await end();
  }) as typeof pool.end;
}

class MeasuredPool extends pg.Pool {
  readonly #times: Histogram;
  readonly #labels: { pool: string };

  constructor(config: pg.PoolConfig, times: Histogram, name: string) {
    super(config);
    this.#times = times;
    this.#labels = { pool: name };
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    // On the hottest path there is nothing to wait for, and so nothing to measure.
    if (this.idleCount > this.waitingCount) return callback ? this.#connect(callback) : super.connect();
    const start = performance.now();
    const measure = () => this.#times.observe((performance.now() - start) / 1000, this.#labels);
    if (!callback) return super.connect().finally(measure);
    return this.#connect((error, client, done) => {
      measure();
      callback(error, client, done);
    });
  }

  #connect(callback: ConnectCallback): undefined {
    super.connect(callback);
  }
}

/** Statements are watched on the connection, so that those of transactions and of drizzle are seen as well. */
function watchedClient({ slowStatementMs, applicationName, logger, metrics }: PoolOptions) {
  const slow = metrics?.counter({
    name: 'ganglion_database_slow_statements_total',
    help: 'Statements that took longer than the configured limit.',
    labels: ['pool'],
  });
  function report(statement: unknown, start: number): void {
    const ms = performance.now() - start;
    if (ms < slowStatementMs) return;
    slow?.inc({ pool: applicationName });
    const fields = { statement: describeStatement(statement), ms: Math.round(ms), pool: applicationName };
    atTracePoint((statement as TracedStatement | undefined)?.tracePoint, () => logger?.warn(fields, 'slow statement'));
  }
  return class WatchedClient extends pg.Client {
    // biome-ignore lint/suspicious/noExplicitAny: the driver's query() has a dozen overloads, all passed through here
    override query(config: any, values?: any, callback?: any): any {
      const start = performance.now();
      const given = typeof callback === 'function' ? callback : typeof values === 'function' ? values : undefined;
      if (!given) {
        const result = super.query(config, values);
        if (typeof config?.submit !== 'function') {
          const done = () => report(config, start);
          (result as Promise<unknown>).then(done, done);
        }
        return result;
      }
      const watched: QueryCallback = (error, result) => {
        report(config, start);
        given(error, result);
      };
      return typeof values === 'function'
        ? super.query(config, watched as never)
        : super.query(config, values, watched);
    }
  };
}
