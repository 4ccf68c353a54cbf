import { setTimeout as sleep } from 'node:timers/promises';
import type { AppendBatch } from '../append-batch.js';
import { TypingBoard } from '../typing-board.js';
import type { TypingLists, TypingRow } from '../typing-lists.js';

/** What is asked when changes may have been missed. */
export interface TypingSource {
  /** Whether anybody can be asked now. */
  readonly connected: boolean;
  /** What the appender knows; undefined when it has not answered. */
  ask(): Promise<{ readonly position: number; readonly lists?: TypingLists | undefined } | undefined>;
  /** Resolves once the feed has come to a position. */
  reach(position: number): Promise<void>;
}

const LONGEST_WAIT_MS = 500;
const RETRY_MS = 100;

/** Who is typing where, as this replica has heard. No database knows: where it may have missed something, it asks the appender. */
export class TypingNow {
  #board = new TypingBoard({ from: 0, rows: [] });
  #position: number | undefined;
  /** How often something may have been missed. */
  #losses = 0;
  #asking: Promise<void> | undefined;
  /** Whether somebody was answered who might have been told more. */
  #isLate = false;

  constructor(
    private readonly source: TypingSource,
    /** Told of lists that have changed. */
    private readonly changed: (rows: readonly TypingRow[]) => void,
  ) {}

  begin(position: number | undefined): void {
    this.#board = new TypingBoard({ from: position ?? 0, rows: [] });
    this.#position = position;
    this.#isLate = false;
    this.missed();
  }

  apply({ position, typing }: AppendBatch): void {
    this.#position = position;
    if (typing === undefined) this.missed();
    else this.changed(this.#board.apply(typing));
  }

  /** Changes may have passed unheard. */
  missed(): void {
    this.#losses += 1;
    if (this.#position === undefined) return;
    this.#asking ??= this.#askUntilKnown().finally(() => {
      this.#asking = undefined;
    });
  }

  /** Resolves once it is known who is typing, and soon in any case. */
  async settled(): Promise<void> {
    if (this.#asking === undefined || this.#isLate || !this.source.connected) return;
    const done = new AbortController();
    const late = sleep(LONGEST_WAIT_MS, true, { signal: done.signal }).catch(() => false);
    if (await Promise.race([this.#asking, late])) this.#isLate = true;
    done.abort();
  }

  /** Who is typing in a room, and since which change; undefined when nobody has been, as far as is known. */
  of(roomNid: number): TypingRow | undefined {
    return this.#board.of(roomNid);
  }

  /** Of what changed up to this position, it may not be known. */
  get from(): number {
    return this.#board.from;
  }

  async #askUntilKnown(): Promise<void> {
    for (let losses = -1; losses !== this.#losses; ) {
      losses = this.#losses;
      const since = this.#position;
      const lists = since === undefined ? undefined : await this.#askOnce(since);
      if (this.#position === undefined || !this.source.connected) return;
      // While they were asked for, more may have been missed.
      if (lists !== undefined && losses === this.#losses) this.#learn(lists);
      if (lists !== undefined) continue;
      this.#losses += 1;
      await sleep(RETRY_MS);
    }
  }

  /** What the appender knows, when it has come as far as the feed; one whose term is over knows less than what was read. */
  async #askOnce(since: number): Promise<TypingLists | undefined> {
    const { position = -1, lists } = (await this.source.ask()) ?? {};
    if (position < since) return undefined;
    const reached = await this.source.reach(position).then(
      () => true,
      () => false,
    );
    return reached ? lists : undefined;
  }

  #learn(lists: TypingLists): void {
    const position = this.#position ?? 0;
    this.changed(this.#board.learn(lists, position, this.#isLate ? position + 1 : undefined));
    this.#isLate = false;
  }
}
