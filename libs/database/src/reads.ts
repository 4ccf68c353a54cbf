import type { Counter, Metrics } from '@ganglion/telemetry';
import type { Pool, QueryResult, QueryResultRow } from 'pg';
import { isDatabaseError, isTimeout } from './errors.js';
import type { PoolOptions } from './pool.js';
import { Replica } from './replica.js';
import { type Queryable, type Statement, traced } from './statement.js';
import { runTransaction, type Transaction } from './transaction.js';
import { WalMarks } from './wal-marks.js';

export interface ReadsOptions {
  /** The replicas; with none, everything is read from the primary. */
  readonly urls: readonly string[];
  /** A replica that is further behind is not asked. */
  readonly maxLagMs: number;
}

const CHECK_EVERY_MS = 1_000;
const SNAPSHOT = { isolation: 'repeatable read', readOnly: true, retries: 0 } as const;

/** Who answered a read: a replica, or the primary because none was usable, or because it failed or was behind. */
type Outcome = 'replica' | 'unavailable' | 'failed' | 'behind';

/** A replica was asked for what it does not have yet. */
class BehindError extends Error {}

/**
 * Reads that may be answered by any replica that is up and not too far behind, and are answered by the primary when none
 * is, when it fails, or when what it says is not new enough for whoever asks. Who needs to read their own writes says so:
 * each read takes a check of the answer, which has to carry what tells its age, such as a position read by the same statement.
 *
 * Replicas are looked at once a second, and only while there is something to read.
 */
export class Reads implements Queryable {
  readonly #primary: Pool;
  readonly #replicas: readonly Replica[];
  readonly #marks: WalMarks;
  readonly #outcomes: Counter | undefined;
  #turn = 0;
  #running = 0;
  #wanted = false;
  #checking = false;
  #timer: NodeJS.Timeout | undefined;
  #stopObserving = () => {};

  constructor(primary: Pool, options: PoolOptions, { urls, maxLagMs }: ReadsOptions) {
    this.#primary = primary;
    // A statement that PostgreSQL does not give up by itself is left when nothing is heard of it any more.
    const { statementTimeoutMs = 0 } = options;
    const limits = statementTimeoutMs === 0 ? {} : { readTimeoutMs: statementTimeoutMs + 1_000 };
    this.#replicas = urls.map((url, index) => new Replica(index + 1, { ...options, ...limits, url }));
    this.#marks = new WalMarks(primary, maxLagMs);
    if (urls.length > 0 && options.metrics) this.#outcomes = this.#observe(options.metrics, options.applicationName);
  }

  /**
   * Runs one statement that only reads. With `isNewEnough`, an answer that it says no to is asked of the primary instead,
   * whose answer stands whatever it is.
   *
   * @throws what the primary failed with, or a timeout of the replica: the primary would take as long
   */
  async query<Row extends QueryResultRow = QueryResultRow>(
    statement: Statement,
    isNewEnough?: (result: QueryResult<Row>) => boolean,
  ): Promise<QueryResult<Row>> {
    const on = (pool: Pool) => traced(statement, (sent) => pool.query<Row>(sent as never));
    return this.#read(
      async ({ pool }) => {
        const result = await on(pool);
        if (isNewEnough?.(result) === false) throw new BehindError();
        return result;
      },
      () => on(this.#primary),
    );
  }

  /**
   * Runs a function over one snapshot of a replica that `isNewEnough` says yes to, or of the primary. It may be run a second
   * time, so it must do nothing but read, by its transaction.
   *
   * @throws what the function, or the primary, failed with
   */
  async snapshot<T>(
    run: (tx: Transaction) => Promise<T>,
    isNewEnough?: (tx: Transaction) => Promise<boolean>,
  ): Promise<T> {
    const checked = async (tx: Transaction) => {
      if ((await isNewEnough?.(tx)) === false) throw new BehindError();
      return run(tx);
    };
    return this.#read(
      ({ pool }) => runTransaction(pool, checked, SNAPSHOT),
      () => runTransaction(this.#primary, run, SNAPSHOT),
    );
  }

  /** Lets what runs finish until the deadline, as time of performance.now(). */
  async close(deadline: number): Promise<void> {
    clearInterval(this.#timer);
    this.#stopObserving();
    await Promise.all(this.#replicas.map((replica) => replica.close(deadline)));
  }

  async #read<T>(fromReplica: (replica: Replica) => Promise<T>, fromPrimary: () => Promise<T>): Promise<T> {
    if (this.#replicas.length === 0) return fromPrimary();
    this.#watch();
    const replica = this.#pick();
    if (replica === undefined) return this.#count('unavailable', fromPrimary);
    this.#running++;
    try {
      const result = await fromReplica(replica);
      this.#outcomes?.inc({ outcome: 'replica' });
      return result;
    } catch (error) {
      if (error instanceof BehindError) return this.#count('behind', fromPrimary);
      if (!isDatabaseError(error) || isTimeout(error)) throw error;
      return this.#count('failed', fromPrimary);
    } finally {
      this.#running--;
    }
  }

  #count<T>(outcome: Outcome, fromPrimary: () => Promise<T>): Promise<T> {
    this.#outcomes?.inc({ outcome });
    return fromPrimary();
  }

  /** The usable ones by turns. */
  #pick(): Replica | undefined {
    const usable = this.#replicas.filter((replica) => replica.usable);
    return usable[this.#turn++ % usable.length];
  }

  #watch(): void {
    this.#wanted = true;
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), CHECK_EVERY_MS);
    this.#timer.unref();
    void this.#check();
  }

  #tick(): void {
    if (this.#checking) return;
    if (this.#wanted || this.#running > 0) {
      this.#wanted = false;
      void this.#check();
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const replica of this.#replicas) replica.rest();
  }

  async #check(): Promise<void> {
    this.#checking = true;
    const required = await this.#marks.required();
    await Promise.all(this.#replicas.map((replica) => replica.check(required)));
    this.#checking = false;
  }

  #observe(metrics: Metrics, pool: string): Counter {
    const usable = metrics.gauge({
      name: 'ganglion_database_replicas_usable',
      help: 'Read replicas that are up and not too far behind, as far as was looked while there was something to read.',
      labels: ['pool'],
    });
    this.#stopObserving = usable.observe(() => this.#replicas.filter((replica) => replica.usable).length, { pool });
    const counter = metrics.counter({
      name: 'ganglion_database_reads_total',
      help: 'What replicas may answer: whether one did, or the primary because none was usable, it failed or was behind.',
      labels: { pool: undefined, outcome: ['replica', 'unavailable', 'failed', 'behind'] satisfies Outcome[] },
    });
    return { inc: (labels) => counter.inc({ pool, ...labels }) };
  }
}
