import { atTracePoint } from '@ganglion/telemetry';
import type { AppendBatch } from '../append-batch.js';
import type { ReadModel } from '../ports/read-model.js';
import type { RoomViews } from '../views/room-views.js';
import type { UserViews } from '../views/user-views.js';
import type { Announcements } from './announcements.js';

/** How the feed hears of what was appended: only while it listens. */
export interface FeedSource {
  /** Whether anything can be heard now. */
  readonly connected: boolean;
  listen(
    onBatch: (batch: AppendBatch) => void,
    onAnnouncement: (id: string, seq: number) => void,
  ): Promise<() => Promise<void>>;
  /** Batches may have been missed, or will be until the listener is called again. */
  onReset(listener: () => void): () => void;
}

const IDLE_AFTER_MS = 10_000;
const CHECK_EVERY_MS = 1_000;
const CHECK_UNHEARD_EVERY_MS = 250;
/** Positions. */
const TOO_FAR = 5_000;

/**
 * How far this replica has seen the order of positions. Everything up to `position` is in its views; answers are made as
 * of that position, so that no token ever skips. A batch that does not follow on it is read from the database.
 *
 * A replica that nobody asks stops listening after ten seconds and forgets its views: it costs nothing until it is needed.
 */
export class LiveFeed {
  position = 0;
  #active: Promise<void> | undefined;
  #stopListening: (() => Promise<void>) | undefined;
  #stopResets: (() => void) | undefined;
  #catchingUp: Promise<void> | undefined;
  #lastUse = 0;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly source: FeedSource,
    private readonly model: ReadModel,
    private readonly rooms: RoomViews,
    private readonly users: UserViews,
    private readonly announcements: Announcements,
    /** How long without a request until the feed goes to sleep; Infinity where listening costs nothing. */
    private readonly idleAfterMs = IDLE_AFTER_MS,
  ) {}

  /** Runs something while the feed is up to date and stays so. */
  async use<T>(run: () => Promise<T>): Promise<T> {
    this.#users += 1;
    this.#lastUse = Date.now();
    try {
      // What it does from now on it does for all, and not in the trace of who woke it.
      this.#active ??= atTracePoint(undefined, () => this.#activate());
      await this.#active;
      return await run();
    } finally {
      this.#users -= 1;
      this.#lastUse = Date.now();
    }
  }

  /** Resolves once the feed has reached a position that another replica has handed out. */
  async reach(position: number): Promise<void> {
    while (this.position < position) {
      const before = this.position;
      // What is being read may have been asked for before that position was handed out.
      await this.#catchingUp?.catch(() => {});
      if (this.position < position) await this.#catchUp();
      // A token from the future of the database is none of ours; do not wait for it.
      if (this.position === before) return;
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#deactivate();
  }

  async #activate(): Promise<void> {
    // Until the position is known, batches are of no use.
    this.position = Number.MAX_SAFE_INTEGER;
    try {
      this.#stopListening = await this.source.listen(
        (batch) => this.#receive(batch),
        (id, seq) => this.announcements.announce(id, seq),
      );
      this.#stopResets = this.source.onReset(() => this.#reset());
      this.announcements.missed();
      this.position = await this.model.position();
      this.#setPace();
    } catch (error) {
      this.#active = undefined;
      throw error;
    }
  }

  async #deactivate(): Promise<void> {
    clearInterval(this.#timer);
    this.#active = undefined;
    this.#stopResets?.();
    const stop = this.#stopListening;
    this.#stopListening = undefined;
    this.rooms.clear();
    this.users.clear();
    this.announcements.missed();
    await stop?.();
  }

  #reset(): void {
    this.announcements.missed();
    this.#setPace();
    void this.#catchUp().catch(() => {});
  }

  /** While nothing is heard, only the database tells what was appended. */
  #setPace(): void {
    clearInterval(this.#timer);
    const everyMs = this.source.connected ? CHECK_EVERY_MS : CHECK_UNHEARD_EVERY_MS;
    this.#timer = setInterval(() => this.#check(), everyMs);
    this.#timer.unref();
  }

  /** Broadcasts may be lost without a trace: the database is asked once a second, or more often, as long as somebody is served here. */
  #check(): void {
    if (this.#users === 0 && Date.now() - this.#lastUse > this.idleAfterMs) void this.#deactivate();
    else void this.#catchUp().catch(() => {});
  }

  #receive(batch: AppendBatch): void {
    if (batch.position <= this.position) return;
    const { events, accountData, receipts, typing } = batch;
    const complete = events.length + accountData.length + receipts.length + typing.length > 0;
    if (batch.previousPosition === this.position && complete) this.#apply(batch);
    else void this.#catchUp().catch(() => {});
  }

  #catchUp(): Promise<void> {
    this.#catchingUp ??= this.#readMissing().finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  async #readMissing(): Promise<void> {
    const reached = await this.model.position();
    if (reached <= this.position) return;
    if (reached - this.position > TOO_FAR) return this.#startAfresh(reached);
    const batch = await this.model.batchesAbove(this.position);
    // Meanwhile the feed itself may have gone on; then what was read overlaps with what is known.
    if (batch !== undefined && batch.previousPosition === this.position) this.#apply(batch);
  }

  /** After a long absence it is cheaper to load what is asked for than to read all that was missed. */
  #startAfresh(position: number): void {
    this.position = position;
    this.rooms.clear();
    this.announcements.missed();
    this.users.wakeAll();
    this.users.clear();
  }

  #apply(batch: AppendBatch): void {
    this.position = batch.position;
    this.rooms.apply(batch);
    this.announcements.apply(batch);
    this.users.apply(batch);
  }
}
