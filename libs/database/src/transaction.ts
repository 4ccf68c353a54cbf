import { setTimeout as sleep } from 'node:timers/promises';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { isRetryable } from './errors.js';
import { type Queryable, type Statement, traced } from './statement.js';

export interface TransactionOptions {
  /** How often a transaction that lost against a concurrent one is run again. */
  readonly retries?: number;
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
  /** How long each of its statements may run, instead of what the connection says; 0 is for ever. */
  readonly statementTimeoutMs?: number;
  /** How long they may wait for each lock, instead of what the connection says; 0 is for ever. */
  readonly lockTimeoutMs?: number;
}

/** For what takes as long as it takes, such as migrations. */
export const UNLIMITED: TransactionOptions = { statementTimeoutMs: 0, lockTimeoutMs: 0 };

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 200;

/** A transaction that is open: usable until the function it was given to has ended. */
export class Transaction implements Queryable {
  readonly #client: PoolClient;
  #drizzle: NodePgDatabase | undefined;
  #open = true;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /** @throws Error when the transaction is over */
  query<Row extends QueryResultRow = QueryResultRow>(statement: Statement): Promise<QueryResult<Row>> {
    if (!this.#open) throw new Error('this transaction is over');
    return traced(statement, (sent) => this.#client.query<Row>(sent as never));
  }

  get drizzle(): NodePgDatabase {
    this.#drizzle ??= drizzle(this.#client);
    return this.#drizzle;
  }

  end(): void {
    this.#open = false;
  }
}

/**
 * Runs a function in a transaction and commits what it did; when it fails, nothing is kept. The function is run again,
 * after a short random pause, when the transaction lost against a concurrent one, so it must do nothing outside of it.
 *
 * @throws whatever the function or the commit failed with
 */
export async function runTransaction<T>(
  pool: Pool,
  run: (tx: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const { retries = 5 } = options;
  const begin = beginning(options);
  for (let attempt = 0; ; attempt++) {
    try {
      return await attemptTransaction(pool, run, begin);
    } catch (error) {
      if (attempt >= retries || !isRetryable(error)) throw error;
      await sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt));
    }
  }
}

/** Sent in one go. */
function beginning({ isolation, readOnly, statementTimeoutMs, lockTimeoutMs }: TransactionOptions): string {
  const mode = `${isolation ? ` ISOLATION LEVEL ${isolation}` : ''}${readOnly ? ' READ ONLY' : ''}`;
  const timeouts = { statement_timeout: statementTimeoutMs, lock_timeout: lockTimeoutMs };
  const settings = Object.entries(timeouts).flatMap(([name, ms]) =>
    ms === undefined ? [] : [`SET LOCAL ${name} = ${Math.ceil(ms)}`],
  );
  return [`BEGIN${mode}`, ...settings].join('; ');
}

async function attemptTransaction<T>(pool: Pool, run: (tx: Transaction) => Promise<T>, begin: string): Promise<T> {
  const client = await pool.connect();
  const tx = new Transaction(client);
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query(begin);
    const result = await run(tx);
    await commit(client);
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((failure: Error) => {
      broken ??= failure;
    });
    throw error;
  } finally {
    tx.end();
    client.removeListener('error', onError);
    client.release(broken);
  }
}

/** Postgres answers COMMIT with ROLLBACK when a statement failed whose error the function has swallowed. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT');
  if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements had failed');
}
