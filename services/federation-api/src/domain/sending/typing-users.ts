import type { LocalTyping } from '@ganglion/contracts';

type Typist = Pick<LocalTyping, 'roomId' | 'userId'>;

interface Known extends Typist {
  readonly untilMs: number;
  readonly toldMs: number;
}

/** Who goes on is told of again before others take it for over. */
const TELL_AGAIN_MS = 20_000;
const MOST = 50_000;

/** Who of our users types, as other servers were told. */
export class TypingUsers {
  readonly #users = new Map<string, Known>();

  /** What others are to be told now; undefined when they know it. */
  note({ roomId, userId, timeoutMs }: LocalTyping, now: number): boolean | undefined {
    const key = `${roomId} ${userId}`;
    const known = this.#users.get(key);
    if (timeoutMs === 0) return this.#users.delete(key) ? false : undefined;
    if (known === undefined && this.#users.size >= MOST) return undefined;
    const isNews = known === undefined || now - known.toldMs >= TELL_AGAIN_MS;
    this.#users.set(key, { roomId, userId, untilMs: now + timeoutMs, toldMs: isNews ? now : known.toldMs });
    return isNews ? true : undefined;
  }

  /** Those who have typed for too long, and do not any more. */
  expire(now: number): Typist[] {
    const ended = [...this.#users].filter(([, { untilMs }]) => untilMs <= now);
    for (const [key] of ended) this.#users.delete(key);
    return ended.map(([, { roomId, userId }]) => ({ roomId, userId }));
  }
}
