import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { AppendBatch } from '../append-batch.js';
import { OneAtATime } from './one-at-a-time.js';

/** What announcements are compared with when some may have been missed. */
export interface Owners {
  /** Whether announcements are heard now. */
  readonly heard: boolean;
  /** What was committed before the call and is not read yet, by room or user; the feed has everything else. */
  unread(): Promise<readonly { readonly id: string; readonly seq: number }[]>;
}

const LONGEST_WAIT_MS = 2_000;
const MAX_KNOWN = 20_000;

/**
 * What was committed but is not in the read model yet, as far as this replica has heard: so that whoever reads right
 * after writing finds what they wrote. Where it may not have heard everything, it asks the owners.
 */
export class Announcements {
  readonly #pending = new Map<string, number>();
  /** What was read before it was announced: the two come on different ways. */
  readonly #known = new LRUCache<string, number>({ maxSize: MAX_KNOWN, sizeCalculation: () => 1 });
  readonly #waiting = new Set<() => void>();
  readonly #looks = new OneAtATime(() => this.#look());
  /** How often announcements may have been missed. */
  #losses = 0;
  #complete = false;

  constructor(private readonly owners: Owners) {}

  announce(id: string, seq: number): void {
    if ((this.#known.get(id) ?? 0) >= seq) return;
    if ((this.#pending.get(id) ?? 0) < seq) this.#pending.set(id, seq);
  }

  apply({ rooms, userSeqs }: AppendBatch): void {
    for (const { roomId, seq } of rooms) this.#reached(roomId, seq);
    for (const { userId, seq } of userSeqs) this.#reached(userId, seq);
    for (const check of this.#waiting) check();
  }

  /** Announcements or batches may have passed unheard: whoever asks next has to ask the owners. */
  missed(): void {
    this.#losses += 1;
    this.#complete = false;
    this.#pending.clear();
    for (const check of this.#waiting) check();
  }

  /** Resolves once everything committed so far can be read, or all of one room; after two seconds in any case. */
  async settled(roomId?: string): Promise<void> {
    if (this.#complete && this.#pending.size === 0) return;
    const done = new AbortController();
    const late = sleep(LONGEST_WAIT_MS, true, { signal: done.signal }).catch(() => false);
    await Promise.race([this.#settle(roomId, late), late]);
    done.abort();
  }

  async #settle(roomId: string | undefined, late: Promise<boolean>): Promise<void> {
    for (let losses = -1; losses !== this.#losses; ) {
      losses = this.#losses;
      // Owners who do not answer keep nobody from reading what there is.
      if (!this.#complete && !(await this.#looks.run().catch(() => false))) return;
      await this.#read(roomId, late);
    }
  }

  async #look(): Promise<true> {
    const losses = this.#losses;
    const { heard } = this.owners;
    const unread = await this.owners.unread();
    if (losses !== this.#losses) return true;
    for (const { id, seq } of unread) this.announce(id, seq);
    this.#complete = heard;
    return true;
  }

  async #read(roomId: string | undefined, late: Promise<boolean>): Promise<void> {
    const wanted = [...this.#pending].filter(([id]) => roomId === undefined || id === roomId);
    if (wanted.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      const read = ([id, seq]: [string, number]) => !this.#pending.has(id) || (this.#known.get(id) ?? 0) >= seq;
      if (wanted.every(read)) resolve();
    };
    this.#waiting.add(check);
    await Promise.race([promise, late.then((tooLate) => tooLate && this.#giveUp(wanted))]);
    this.#waiting.delete(check);
  }

  /** Nobody else should wait for what did not come in time. */
  #giveUp(wanted: readonly (readonly [id: string, seq: number])[]): void {
    for (const [id, seq] of wanted) if (this.#pending.get(id) === seq) this.#pending.delete(id);
  }

  #reached(id: string, seq: number): void {
    this.#known.set(id, seq);
    const announced = this.#pending.get(id);
    if (announced !== undefined && announced <= seq) this.#pending.delete(id);
  }
}
