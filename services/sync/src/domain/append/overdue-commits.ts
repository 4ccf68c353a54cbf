import type { AppendBatch } from '../append-batch.js';

/** Far longer than a stream takes, and short for who waits for a message. */
const OVERDUE_MS = 1_000;
/** An appender that is only behind must not be kept from its work. */
const REST_MS = 3_000;

interface Announced {
  seq: number;
  /** When it was announced, or when the room or user last came closer to it. */
  since: number;
}

/**
 * Whether the streams bring what the owners announce: the two come on different ways, and a stream can stand still while
 * announcements are heard, as while NATS servers elect who leads it. Times are in milliseconds of any clock.
 */
export class OverdueCommits {
  readonly #announced = new Map<string, Announced>();
  #restUntil = 0;

  announce(id: string, seq: number, now: number): void {
    const known = this.#announced.get(id);
    if (known === undefined) this.#announced.set(id, { seq, since: now });
    else known.seq = Math.max(known.seq, seq);
  }

  appended({ rooms, userSeqs }: Pick<AppendBatch, 'rooms' | 'userSeqs'>, now: number): void {
    for (const { roomId, seq } of rooms) this.#reached(roomId, seq, now);
    for (const { userId, seq } of userSeqs) this.#reached(userId, seq, now);
  }

  /** Whether something has stayed away for a second. Says so once, and not again within three seconds. */
  take(now: number): boolean {
    if (now < this.#restUntil) return false;
    const overdue = [...this.#announced].filter(([, { since }]) => since <= now - OVERDUE_MS);
    if (overdue.length === 0) return false;
    for (const [id] of overdue) this.#announced.delete(id);
    this.#restUntil = now + REST_MS;
    return true;
  }

  #reached(id: string, seq: number, now: number): void {
    const known = this.#announced.get(id);
    if (known === undefined) return;
    if (seq >= known.seq) this.#announced.delete(id);
    else known.since = now;
  }
}
