import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.js';
import { acquireLease, confirmLease, releaseLease, renewLease, watchHolder } from './lease-store.js';
import { ensureMeta } from './meta.js';
import type { Transaction } from './transaction.js';

export interface LeaseOptions {
  /** What is led, such as `sync.appender`. */
  readonly name: string;
  /** Who we are, different for every process. */
  readonly holder: string;
  /** How long after the last renewal the lease is free for others. */
  readonly ttlMs?: number;
  /** A connection of the leader's own shows that it lives: when its process dies, others need not wait. */
  readonly watched?: boolean;
}

/** One stretch of leadership. */
export interface Term {
  /** Grows with every change of leadership; what a later term has written must not be overwritten by an earlier one. */
  readonly epoch: number;
  /** Aborted when leadership is lost, or given up because the lease is closed. */
  readonly signal: AbortSignal;
  /** Whether the lease cannot have run out yet, by this process' own clock; true says less than fence(). */
  held(): boolean;
  /** Makes a transaction fail unless this term is still current when it commits. @throws LeaseLostError */
  fence(tx: Transaction): Promise<void>;
}

/** A transaction was started under a lease that somebody else holds by now. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';

  constructor(lease: string, epoch: number) {
    super(`term ${epoch} of lease ${lease} is over`);
  }
}

const DEFAULT_TTL_MS = 3_000;
const LONGEST_POLL_MS = 250;

/**
 * Elects one leader among processes: the holder of a row in Postgres, which it renews three times per time to live.
 * A leader that closes hands over at once, one that dies is succeeded when its time has run out. Only Postgres' clock
 * decides when a lease is free; the holder stops by its own monotonic clock, counted from before it asked. Whoever was taken
 * for dead and is not learns so at its next renewal, and what it writes meanwhile is fenced off by its epoch.
 */
export class Lease {
  readonly #db: Database;
  readonly #name: string;
  readonly #holder: string;
  readonly #ttlMs: number;
  readonly #watched: boolean;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(db: Database, { name, holder, ttlMs = DEFAULT_TTL_MS, watched = false }: LeaseOptions) {
    this.#db = db;
    this.#name = name;
    this.#holder = holder;
    this.#ttlMs = ttlMs;
    this.#watched = watched;
  }

  /** Keeps a session open for as long as the term lasts. Without one the lease is as good, but for how soon it passes on. */
  async #beWatched(epoch: number, ended: AbortSignal): Promise<void> {
    const over = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true }));
    while (!ended.aborted) {
      try {
        if (!(await this.#showSession(epoch, ended, over))) return;
      } catch (error) {
        this.#db.logger?.warn({ err: error, lease: this.#name }, 'others cannot see whether this leader lives');
      }
      await sleep(this.#ttlMs / 3, undefined, { signal: ended }).catch(() => {});
    }
  }

  /** Shows one session for as long as it or the term lasts; false when there is nothing to show any more. */
  async #showSession(epoch: number, ended: AbortSignal, over: Promise<void>): Promise<boolean> {
    const session = await this.#db.openSession();
    try {
      if (ended.aborted || !(await watchHolder(this.#db, this.#name, epoch, session))) return false;
      await Promise.race([session.ended, over]);
      return true;
    } finally {
      // The term ends without waiting for a connection that may be dead.
      void session.close().catch(() => {});
    }
  }

  /**
   * Campaigns until closed, and runs the function whenever this process leads. When the function returns or throws,
   * the lease is given back and the campaign goes on; it has to end soon after its signal is aborted.
   */
  run(onLeader: (term: Term) => Promise<void>): Promise<void> {
    if (this.#running) throw new Error(`lease ${this.#name} is running already`);
    this.#running = this.#campaign(onLeader);
    return this.#running;
  }

  /** Ends the term, if there is one, gives the lease back and ends the campaign. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #campaign(onLeader: (term: Term) => Promise<void>): Promise<void> {
    const poll = Math.min(LONGEST_POLL_MS, this.#ttlMs / 4);
    let prepared = false;
    while (!this.#closing.signal.aborted) {
      const asked = performance.now();
      try {
        if (!prepared) await ensureMeta(this.#db);
        prepared = true;
        const epoch = await acquireLease(this.#db, this.#name, this.#holder, this.#ttlMs);
        if (epoch !== undefined) await this.#lead(epoch, asked, onLeader);
      } catch (error) {
        this.#db.logger?.warn({ err: error, lease: this.#name }, 'cannot campaign for the lease');
      }
      await this.#pause(poll * (0.75 + Math.random() / 2));
    }
  }

  async #lead(epoch: number, asked: number, onLeader: (term: Term) => Promise<void>): Promise<void> {
    const over = new AbortController();
    const ended = new AbortController();
    let heldUntil = asked + this.#ttlMs;
    const term: Term = {
      epoch,
      signal: AbortSignal.any([over.signal, this.#closing.signal]),
      held: () => performance.now() < heldUntil && !over.signal.aborted,
      fence: (tx) => this.#fence(tx, epoch),
    };
    const log = { lease: this.#name, epoch };
    this.#db.logger?.info(log, 'leading');
    const renewing = this.#renew(
      epoch,
      ended.signal,
      () => heldUntil,
      (until) => {
        heldUntil = until;
      },
    ).then((kept) => {
      if (kept) return;
      this.#db.logger?.warn(log, 'leadership was lost');
      over.abort();
    });
    const watched = this.#watched ? this.#beWatched(epoch, ended.signal) : undefined;
    try {
      await onLeader(term);
    } catch (error) {
      if (!term.signal.aborted) this.#db.logger?.error({ ...log, err: error }, 'the leader failed');
    } finally {
      ended.abort();
      await Promise.all([renewing, watched]);
    }
    if (!over.signal.aborted) await releaseLease(this.#db, this.#name, epoch);
  }

  /** Renews until told to end (true), or until the lease has run out or is somebody else's (false). */
  async #renew(
    epoch: number,
    ended: AbortSignal,
    heldUntil: () => number,
    extend: (until: number) => void,
  ): Promise<boolean> {
    while (true) {
      await sleep(this.#ttlMs / 3, undefined, { signal: ended }).catch(() => {});
      if (ended.aborted) return true;
      const asked = performance.now();
      const kept = await this.#renewBy(heldUntil(), epoch);
      if (kept === false) return ended.aborted;
      if (kept) extend(asked + this.#ttlMs);
    }
  }

  /** One renewal: true, false when it is lost, undefined when Postgres could not be asked and there is time to retry. */
  async #renewBy(deadline: number, epoch: number): Promise<boolean | undefined> {
    const late = new AbortController();
    const left = deadline - performance.now();
    if (left <= 0) return false;
    const timeout = sleep(left, false as const, { signal: late.signal }).catch(() => false as const);
    const renewal = renewLease(this.#db, this.#name, epoch, this.#ttlMs).catch((error: unknown) => {
      this.#db.logger?.warn({ err: error, lease: this.#name }, 'cannot renew the lease');
      return undefined;
    });
    const kept = await Promise.race([renewal, timeout]);
    late.abort();
    return kept;
  }

  async #fence(tx: Transaction, epoch: number): Promise<void> {
    if (!(await confirmLease(tx, this.#name, epoch))) throw new LeaseLostError(this.#name, epoch);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}
