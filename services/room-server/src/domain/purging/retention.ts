import type { PurgeStore } from '../ports/purge-store.js';
import type { RetainedRoom } from './purge.js';
import { lifetimeOf, type RetentionRules } from './retention-policy.js';

const ROOMS_AT_ONCE = 200;

/**
 * Asks for the purge of what rooms should not keep any longer. An event is as old as it says, or as the room has known it:
 * one with a time from the future does not keep what came before it for ever.
 */
export class Retention {
  constructor(
    private readonly store: PurgeStore,
    private readonly rules: RetentionRules,
    private readonly now: () => number,
  ) {}

  /** Looks at all rooms. Any number of replicas may do so at once. */
  async apply(): Promise<void> {
    const all = this.rules.defaultMs !== undefined;
    for (let afterRoom = 0; ; ) {
      const rooms = await this.store.retainedRooms(all, afterRoom, ROOMS_AT_ONCE);
      for (const room of rooms) await this.#look(room);
      if (rooms.length < ROOMS_AT_ONCE) return;
      afterRoom = rooms.at(-1)!.roomNid;
    }
  }

  async #look(room: RetainedRoom): Promise<void> {
    const lifetimeMs = lifetimeOf(room.policy, this.rules);
    if (lifetimeMs === undefined) return;
    const { roomNid, roomSeq, purgedSeq } = room;
    const beforeMs = this.now() - lifetimeMs;
    const upToSeq = await this.#oldUpTo(room, beforeMs);
    if (upToSeq > purgedSeq || (await this.store.hasOldHistory(roomNid, beforeMs))) {
      const others = { belowDepth: Number.MIN_SAFE_INTEGER, beforeMs, withLocal: true };
      await this.store.ask({
        purgeId: `retention ${roomNid}`,
        roomNid,
        upToSeq: Math.max(upToSeq, purgedSeq),
        ...others,
      });
    }
    if (room.markSeq === null || isOld(room, beforeMs)) await this.store.mark(roomNid, roomSeq);
  }

  /** The room's last event stays in any case. */
  async #oldUpTo(room: RetainedRoom, beforeMs: number): Promise<number> {
    const { roomNid, roomSeq, purgedSeq, markSeq } = room;
    const known = Math.max(purgedSeq, isOld(room, beforeMs) ? (markSeq ?? 0) : 0);
    const last = roomSeq - 1;
    return known >= last ? last : Math.min(await this.store.oldUpTo(roomNid, known, beforeMs), last);
  }
}

/** Whether the room was noted to be so far before a time. There is one note a room. */
function isOld({ markSeq, markedMs, roomSeq }: RetainedRoom, beforeMs: number): boolean {
  return markSeq !== null && markedMs !== null && markedMs < beforeMs && markSeq < roomSeq;
}
