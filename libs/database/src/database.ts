import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@ganglion/telemetry';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool, QueryResult, QueryResultRow } from 'pg';
import { isConnectionError } from './errors.js';
import { createPool, drainPool, type PoolOptions } from './pool.js';
import { Reads } from './reads.js';
import { openSession, type Session } from './session.js';
import { type Queryable, type Statement, traced } from './statement.js';
import { runTransaction, type Transaction, type TransactionOptions } from './transaction.js';

export interface DatabaseOptions extends PoolOptions {
  /** How long connect() waits for a Postgres that does not answer yet. */
  readonly connectTimeoutMs?: number;
  /** Replicas that `read` may ask, as URLs like the primary's. */
  readonly readUrls?: readonly string[];
  /** How far behind a replica may be. */
  readonly readMaxLagMs?: number;
}

const HEALTH_TIMEOUT_MS = 2_000;
const DRAIN_TIMEOUT_MS = 10_000;

/** One process' connections to Postgres. */
export class Database implements Queryable {
  readonly logger: Logger | undefined;
  /** drizzle over the same connections, for what is not worth its own SQL. */
  readonly drizzle: NodePgDatabase;
  /** What only reads, and may be answered by a replica. */
  readonly read: Reads;
  readonly #pool: Pool;
  readonly #options: DatabaseOptions;
  #closing: Promise<void> | undefined;

  private constructor(pool: Pool, options: DatabaseOptions) {
    const { logger, readUrls = [], readMaxLagMs = 10_000 } = options;
    this.#pool = pool;
    this.#options = options;
    this.logger = logger;
    this.read = new Reads(pool, options, { urls: readUrls, maxLagMs: readMaxLagMs });
    this.drizzle = drizzle(pool);
  }

  /**
   * Opens a pool and waits until Postgres answers.
   *
   * @throws Error when it does not answer in time or refuses us
   */
  static async connect(options: DatabaseOptions): Promise<Database> {
    const pool = createPool(options);
    const deadline = performance.now() + (options.connectTimeoutMs ?? 10_000);
    for (let attempt = 0; ; attempt++) {
      try {
        await pool.query('SELECT 1');
        return new Database(pool, options);
      } catch (error) {
        if (!isConnectionError(error) || performance.now() > deadline) {
          await pool.end();
          throw new Error('cannot connect to the database', { cause: error });
        }
        if (attempt === 0) options.logger?.warn({ err: error }, 'the database does not answer yet; trying again');
        await sleep(Math.min(1_000, 50 * 2 ** attempt));
      }
    }
  }

  /** Runs one statement on any free connection. */
  query<Row extends QueryResultRow = QueryResultRow>(statement: Statement): Promise<QueryResult<Row>> {
    return traced(statement, (sent) => this.#pool.query<Row>(sent as never));
  }

  /** Runs a function in a transaction. @see runTransaction */
  transaction<T>(run: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return runTransaction(this.#pool, run, options);
  }

  /** Opens a connection beside those of the pool. @throws Error when Postgres does not answer */
  openSession(): Promise<Session> {
    return openSession(this.#options);
  }

  /** Resolves when Postgres answers. @throws Error when it does not, or not soon enough */
  async health(): Promise<void> {
    const timeout = new AbortController();
    const late = sleep(HEALTH_TIMEOUT_MS, undefined, { signal: timeout.signal, ref: false }).then(() => {
      throw new Error('the database does not answer');
    });
    try {
      await Promise.race([this.#pool.query('SELECT 1'), late]);
    } finally {
      timeout.abort();
      late.catch(() => {});
    }
  }

  /** Lets what runs or waits finish, up to ten seconds, then ends all connections. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    const deadline = performance.now() + DRAIN_TIMEOUT_MS;
    await Promise.all([this.read.close(deadline), drainPool(this.#pool, deadline)]);
  }
}
