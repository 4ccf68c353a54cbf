import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@ganglion/telemetry';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool, QueryResult, QueryResultRow } from 'pg';
import { isConnectionError } from './errors.js';
import { createPool, type PoolOptions } from './pool.js';
import { type Queryable, type Statement, traced } from './statement.js';
import { runTransaction, type Transaction, type TransactionOptions } from './transaction.js';

export interface DatabaseOptions extends PoolOptions {
  /** How long connect() waits for a Postgres that does not answer yet. */
  readonly connectTimeoutMs?: number;
}

const HEALTH_TIMEOUT_MS = 2_000;
const DRAIN_TIMEOUT_MS = 10_000;

/** One process' connections to Postgres. */
export class Database implements Queryable {
  readonly logger: Logger | undefined;
  /** drizzle over the same connections, for what is not worth its own SQL. */
  readonly drizzle: NodePgDatabase;
  readonly #pool: Pool;
  #closing: Promise<void> | undefined;

  private constructor(pool: Pool, logger: Logger | undefined) {
    this.#pool = pool;
    this.logger = logger;
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
        return new Database(pool, options.logger);
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
    // An ending pool forgets those who wait for a connection.
    while (this.#pool.waitingCount > 0 && performance.now() < deadline) await sleep(5);
    const timeout = new AbortController();
    const late = sleep(Math.max(0, deadline - performance.now()), undefined, { signal: timeout.signal, ref: false });
    await Promise.race([this.#pool.end(), late.catch(() => {})]);
    timeout.abort();
  }
}
