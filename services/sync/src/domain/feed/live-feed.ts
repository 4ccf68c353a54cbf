import { atTracePoint } from '@ganglion/telemetry';
import type { AppendBatch } from '../append-batch.js';
import type { Head, ReadModel } from '../ports/read-model.js';
import { AheadBatches } from './ahead-batches.js';

/** How the feed hears of what was appended: only while it listens. */
export interface FeedSource {
  /** Whether anything can be heard now. */
  readonly connected: boolean;
  listen(onBatch: (batch: AppendBatch) => void): Promise<() => Promise<void>>;
  /** Batches may have been missed, or will be until the listener is called again. */
  onReset(listener: () => void): () => void;
}

/** What a replica keeps in memory of what was appended. */
export interface Follower {
  /** Forgets everything. From a position on it will be told of all there is; undefined when it will not be told anything. */
  begin(position: number | undefined): void;
  apply(batch: AppendBatch): void;
  /** Broadcasts of other kinds may have been lost. */
  missed?(): void;
}

const IDLE_AFTER_MS = 10_000;
const CHECK_EVERY_MS = 1_000;
const CHECK_UNHEARD_EVERY_MS = 250;
/** What is in the database is on its way here, and comes sooner than it can be read. */
const HEARD_WITHIN_MS = 50;
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
  /** How often the database was taken back to an earlier state: tokens from before may mean something else now. */
  timesTakenBack = 0;
  /** The term of the appender that handed out the position. */
  #epoch = 0;
  /** What the database had at the last look. */
  #hadThen = 0;
  readonly #ahead = new AheadBatches();
  readonly #reaching = new Set<() => void>();
  #active: Promise<void> | undefined;
  #isActive = false;
  #stopListening: (() => Promise<void>) | undefined;
  #stopResets: (() => void) | undefined;
  #catchingUp: Promise<void> | undefined;
  #lastUse = 0;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly source: FeedSource,
    private readonly model: ReadModel,
    /** Told in this order. */
    private readonly followers: readonly Follower[],
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
      // A token from the future of the database is none of ours; do not wait for it.
      if ((await this.model.head()).position < position) return;
      if (this.source.connected) await this.#hears(position);
      // What is being read may have been asked for before that position was handed out.
      await this.#catchingUp?.catch(() => {});
      if (this.position < position) await this.#catchUp();
      if (this.position === before) return;
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#deactivate();
  }

  async #activate(): Promise<void> {
    try {
      this.#stopListening = await this.source.listen((batch) => this.#receive(batch));
      this.#stopResets = this.source.onReset(() => this.#reset());
      this.#begin(await this.model.head());
      this.#isActive = true;
      this.#takeAhead();
      this.#setPace();
    } catch (error) {
      this.#active = undefined;
      throw error;
    }
  }

  async #deactivate(): Promise<void> {
    clearInterval(this.#timer);
    this.#active = undefined;
    this.#isActive = false;
    this.#ahead.clear();
    this.#stopResets?.();
    const stop = this.#stopListening;
    this.#stopListening = undefined;
    this.position = 0;
    for (const follower of this.followers) follower.begin(undefined);
    await stop?.();
  }

  #reset(): void {
    for (const follower of this.followers) follower.missed?.();
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
    else void this.#look().catch(() => {});
  }

  /**
   * The database is always a little ahead of what is heard. Only who has not come by now to where it was at the last look
   * has missed something.
   */
  async #look(): Promise<void> {
    const before = this.position;
    const head = await this.model.head();
    if (!this.#isActive) return;
    const hadThen = this.#hadThen;
    this.#hadThen = head.position;
    const isBehind = this.position < (this.source.connected ? hadThen : head.position);
    if (isBehind || head.position < before) await this.#catchUp();
  }

  #receive(batch: AppendBatch): void {
    if (!this.#isActive) this.#ahead.add(batch);
    else if (this.#comesOfAnotherPast(batch)) this.#takeBack({ position: batch.position, epoch: batch.epoch ?? 0 });
    else if (batch.position <= this.position) return;
    else if (batch.previousPosition === this.position) this.#apply(batch);
    else {
      this.#ahead.add(batch);
      void this.#catchUp().catch(() => {});
    }
  }

  /** A later term cannot go on below what an earlier one has appended, unless the database was taken back meanwhile. */
  #comesOfAnotherPast({ epoch = 0, previousPosition }: AppendBatch): boolean {
    return epoch > this.#epoch && previousPosition < this.position;
  }

  #catchUp(): Promise<void> {
    this.#catchingUp ??= this.#readAllMissing().finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  /** What comes meanwhile may leave a gap of its own. */
  async #readAllMissing(): Promise<void> {
    do {
      const before = this.position;
      await this.#readMissing();
      this.#takeAhead();
      // They follow on nothing that there is.
      if (this.position === before) this.#ahead.clear();
    } while (!this.#ahead.isEmpty);
  }

  async #readMissing(): Promise<void> {
    const before = this.position;
    const head = await this.model.head();
    if (!this.#isActive) return;
    // What was committed is gone.
    if (head.position < before) return this.#takeBack(head);
    // After a long absence it is cheaper to load what is asked for than to read all that was missed.
    if (head.position - this.position > TOO_FAR) return this.#begin(head);
    if (head.position <= this.position) return;
    const batch = await this.model.batchesAbove(this.position);
    // Meanwhile the feed itself may have gone on; then what was read overlaps with what is known.
    const follows = this.#isActive && batch?.previousPosition === this.position;
    if (batch !== undefined && follows) this.#apply({ ...batch, epoch: head.epoch });
  }

  /** Applies what follows now of what came too early. */
  #takeAhead(): void {
    for (const batch of this.#ahead.after(this.position)) this.#apply(batch);
  }

  /** From a position on everything will be heard; whatever was known before is forgotten. */
  #begin({ position, epoch }: Head): void {
    this.position = position;
    this.#epoch = epoch;
    this.#hadThen = 0;
    for (const follower of this.followers) follower.begin(position);
  }

  #takeBack(head: Head): void {
    this.timesTakenBack += 1;
    this.#begin(head);
  }

  #apply(batch: AppendBatch): void {
    this.position = batch.position;
    this.#epoch = Math.max(this.#epoch, batch.epoch ?? 0);
    for (const follower of this.followers) follower.apply(batch);
    for (const check of this.#reaching) check();
  }

  /** Resolves when the feed has come to a position, or has not for longer than it should take. */
  async #hears(position: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => this.position >= position && resolve();
    const timer = setTimeout(resolve, HEARD_WITHIN_MS);
    this.#reaching.add(check);
    check();
    await promise;
    this.#reaching.delete(check);
    clearTimeout(timer);
  }
}
