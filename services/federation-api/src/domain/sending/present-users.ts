import type { LocalPresence } from '@ganglion/contracts';
import { LRUCache } from 'lru-cache';

/** Of who is reachable as before it is told again this seldom, so that nobody forgets them. */
const TELL_AGAIN_MS = 10 * 60_000;
const MOST = 100_000;

interface Told extends LocalPresence {
  readonly toldMs: number;
}

/** How reachable our users are, as other servers were told: that somebody has done something again is no news for them. */
export class PresentUsers {
  readonly #told = new LRUCache<string, Told>({ max: MOST });

  /** Whether others are to be told. */
  note(status: LocalPresence, now: number): boolean {
    const told = this.#told.get(status.userId);
    const isSame = told?.presence === status.presence && told.statusMsg === status.statusMsg;
    if (told !== undefined && isSame && now - told.toldMs < TELL_AGAIN_MS) return false;
    this.#told.set(status.userId, { ...status, toldMs: now });
    return true;
  }

  /** What others were told last, for those who were not there then. */
  last(userId: string): LocalPresence | undefined {
    const told = this.#told.get(userId);
    if (told === undefined) return undefined;
    const { toldMs: _, ...status } = told;
    return status;
  }
}
