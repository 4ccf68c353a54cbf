import { setTimeout as sleep } from 'node:timers/promises';
import type { AppendBatch } from './append.js';

const LONGEST_WAIT_MS = 250;

/**
 * What was committed but is not in the read model yet, as far as this replica has heard: so that whoever reads right
 * after writing finds what they wrote.
 */
export class Announcements {
  readonly #pending = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  announce(id: string, seq: number): void {
    if ((this.#pending.get(id) ?? 0) < seq) this.#pending.set(id, seq);
  }

  apply({ rooms, userSeqs }: AppendBatch): void {
    if (this.#pending.size === 0) return;
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
      if (
        wanted.every(([id, seq]) => (this.#pending.get(id) ?? Number.POSITIVE_INFINITY) > seq || !this.#pending.has(id))
      ) {
        resolve();
      }
    };
    this.#waiting.add(check);
    const late = new AbortController();
    await Promise.race([promise, sleep(LONGEST_WAIT_MS, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    this.#waiting.delete(check);
  }

  #reached(id: string, seq: number): void {
    const announced = this.#pending.get(id);
    if (announced !== undefined && announced <= seq) this.#pending.delete(id);
  }
}
