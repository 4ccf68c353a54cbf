import type { Logger } from '@ganglion/telemetry';
import pg from 'pg';
import { createPool, drainPool, type PoolOptions } from './pool.js';

/** A WAL position as a number of bytes. */
export type WalPosition = number | bigint;

type Fault = 'does not answer' | 'is too far behind' | 'is no replica';

const HOW_FAR = `SELECT pg_is_in_recovery() AS replaying,
  coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint AS position`;
/** How long its answer may take, and getting a connection too. */
const PATIENCE_MS = 1_500;
/** How long a good answer is believed: one check may be late. */
const BELIEVED_MS = 3_000;

/** A read replica of the database: its connections, and whether it may be asked right now. */
export class Replica {
  readonly pool: pg.Pool;
  readonly #name: string;
  readonly #options: PoolOptions;
  readonly #logger: Logger | undefined;
  readonly #connections = new Set<pg.PoolClient>();
  #probe: pg.Client | undefined;
  #believedUntil = Number.NEGATIVE_INFINITY;
  #fault: Fault | undefined = 'does not answer';
  #closed = false;

  constructor(number: number, options: PoolOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#name = `replica ${number} at ${new URL(options.url).host}`;
    const applicationName = `${options.applicationName} replica ${number}`;
    this.pool = createPool({ ...options, applicationName, acquireTimeoutMs: PATIENCE_MS });
    this.pool.on('connect', (client) => this.#connections.add(client));
    this.pool.on('remove', (client) => this.#connections.delete(client));
  }

  /** Whether it answered a moment ago and was not too far behind. */
  get usable(): boolean {
    return performance.now() < this.#believedUntil;
  }

  /**
   * Asks whether it has replayed what the primary had written at a position. One that does not answer in time loses all
   * its connections, so that who waits for it waits no longer.
   */
  async check(required: WalPosition): Promise<void> {
    try {
      const { replaying, position } = await this.#ask();
      this.#found(!replaying ? 'is no replica' : position < required ? 'is too far behind' : undefined);
    } catch (error) {
      this.#found('does not answer', error);
      this.#cut();
    }
  }

  /** Ends what only checks need. */
  rest(): void {
    this.#probe?.end().catch(() => {});
    this.#probe = undefined;
  }

  /** Lets what runs finish until the deadline, as time of performance.now(). */
  async close(deadline: number): Promise<void> {
    this.#closed = true;
    this.rest();
    await drainPool(this.pool, deadline);
  }

  /** On a connection of its own: a busy replica is not a dead one. */
  async #ask(): Promise<{ replaying: boolean; position: WalPosition }> {
    this.#probe ??= await this.#connect();
    const { rows } = await this.#probe.query<{ replaying: boolean; position: string }>(HOW_FAR);
    return { replaying: rows[0]!.replaying, position: BigInt(rows[0]!.position) };
  }

  async #connect(): Promise<pg.Client> {
    const probe = new pg.Client({
      connectionString: this.#options.url,
      application_name: `${this.#options.applicationName} probe`,
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
    });
    // It is noticed by the next check.
    probe.on('error', () => {});
    await probe.connect();
    if (this.#closed) await probe.end();
    return probe;
  }

  #cut(): void {
    this.rest();
    for (const { connection } of this.#connections) connection.stream.destroy();
  }

  #found(fault: Fault | undefined, error?: unknown): void {
    this.#believedUntil = fault === undefined ? performance.now() + BELIEVED_MS : Number.NEGATIVE_INFINITY;
    if (fault === this.#fault || this.#closed) return;
    this.#fault = fault;
    if (fault === undefined) this.#logger?.info(`${this.#name} is used for reading`);
    else this.#logger?.warn({ err: error }, `${this.#name} ${fault}; the primary is read instead`);
  }
}
