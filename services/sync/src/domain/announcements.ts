import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { AppendBatch } from './append.js';

const LONGEST_WAIT_MS = 250;
const MAX_KNOWN = 20_000;

/**
 * What was committed but is not in the read model yet, as far as this replica has heard: so that whoever reads right
 * after writing finds what they wrote.
 */
export class Announcements {
  readonly #pending = new Map<string, number>();
  /** What was read before it was announced: the two come on different ways. */
  readonly #known = new LRUCache<string, number>({ maxSize: MAX_KNOWN, sizeCalculation: () => 1 });
  readonly #waiting = new Set<() => void>();

  announce(id: string, seq: number): void {
    if ((this.#known.get(id) ?? 0) >= seq) return;
    if ((this.#pending.get(id) ?? 0) < seq) this.#pending.set(id, seq);
  }

  apply({ rooms, userSeqs }: AppendBatch): void {
    for (const { roomId, seq } of rooms) this.#reached(roomId, seq);
    for (const { userId, seq } of userSeqs) this.#reached(userId, seq);
    for (const check of this.#waiting) check();
  }

  clear(): void {
    this.#pending.clear();
    for (const check of this.#waiting) check();
  }

  /** Resolves once everything announced so far can be read, or of one room; after a quarter of a second in any case. */
  async settled(roomId?: string): Promise<void> {
    if (this.#pending.size === 0) return;
    const wanted = [...this.#pending].filter(([id]) => roomId === undefined || id === roomId);
    if (wanted.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      const read = ([id, seq]: [string, number]) => !this.#pending.has(id) || (this.#known.get(id) ?? 0) >= seq;
      if (wanted.every(read)) resolve();
    };
    this.#waiting.add(check);
    const late = new AbortController();
    const timeout = sleep(LONGEST_WAIT_MS, undefined, { signal: late.signal }).then(
      () => this.#giveUp(wanted),
      () => {},
    );
    await Promise.race([promise, timeout]);
    late.abort();
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
