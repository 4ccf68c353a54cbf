import { TypingBoard } from '../typing-board.js';
import type { TypingChanges, TypingLists, TypingUser } from '../typing-lists.js';

/** That a user is typing in a room, for so long unless told otherwise. */
export interface TypingNote {
  readonly roomNid: number;
  readonly userId: string;
  /** 0 when they have stopped. */
  readonly timeoutMs: number;
}

/** A list that differs from what was appended. */
export interface TypingChange {
  readonly roomNid: number;
  readonly typing: readonly TypingUser[];
}

/**
 * Who is typing, in the memory of the appender: it alone takes notes and ends what has lasted too long, so that all
 * replicas agree. Only who begins and who ends is a change that is appended; that somebody goes on is not.
 */
export class TypingRooms {
  /** Until when each is typing, by room, in the order in which they began. */
  readonly #rooms = new Map<number, Map<string, number>>();
  /** What was appended. */
  readonly #placed: TypingBoard;
  /** Rooms whose list may differ from that. */
  readonly #touched = new Set<number>();
  /** When the first of them all ends. */
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor(
    left: TypingLists,
    /** Whether all who were typing before have ended with the term before: nobody knows who they were. */
    public isBeginning: boolean,
  ) {
    this.#placed = new TypingBoard(left);
    for (const { roomNid, typing } of left.rows) {
      if (typing.length === 0) continue;
      this.#rooms.set(roomNid, new Map(typing.map(({ userId, untilMs }) => [userId, untilMs])));
      this.#nextEnd = Math.min(this.#nextEnd, ...typing.map(({ untilMs }) => untilMs));
    }
  }

  /** What was appended. */
  get lists(): TypingLists {
    return this.#placed.lists;
  }

  note({ roomNid, userId, timeoutMs }: TypingNote, now: number): void {
    const users = this.#rooms.get(roomNid) ?? new Map<string, number>();
    this.#rooms.set(roomNid, users);
    if (timeoutMs > 0) users.set(userId, now + timeoutMs);
    else users.delete(userId);
    if (timeoutMs > 0) this.#nextEnd = Math.min(this.#nextEnd, now + timeoutMs);
    this.#touched.add(roomNid);
  }

  /** Whoever has left is not typing any more; whoever has sent a message may go on with the next one. */
  noteMember({ roomNid, userId, membership }: { roomNid: number; userId: string; membership: string }): void {
    if (membership !== 'join') this.#end(roomNid, userId);
  }

  /** Whether somebody has been typing for too long. */
  isDue(now: number): boolean {
    return this.#nextEnd <= now;
  }

  /** Ends what has lasted too long. */
  expire(now: number): void {
    if (!this.isDue(now)) return;
    this.#nextEnd = Number.POSITIVE_INFINITY;
    for (const [roomNid, users] of this.#rooms) {
      for (const [userId, untilMs] of users) {
        if (untilMs <= now) this.#end(roomNid, userId);
        else this.#nextEnd = Math.min(this.#nextEnd, untilMs);
      }
    }
  }

  /** The lists that were not appended yet. */
  changes(): TypingChange[] {
    return [...this.#touched].filter((roomNid) => this.#differs(roomNid)).map((roomNid) => this.#listOf(roomNid));
  }

  /** This has been appended. */
  wasPlaced(changes: TypingChanges): void {
    this.#placed.apply(changes);
    if (changes.endsAt !== undefined) this.isBeginning = false;
    for (const roomNid of this.#touched) {
      if (this.#differs(roomNid)) continue;
      this.#touched.delete(roomNid);
      if (this.#rooms.get(roomNid)?.size === 0) this.#rooms.delete(roomNid);
    }
  }

  #differs(roomNid: number): boolean {
    const users = this.#rooms.get(roomNid);
    const placed = this.#placed.of(roomNid)?.typing ?? [];
    return (users?.size ?? 0) !== placed.length || !placed.every(({ userId }) => users?.has(userId));
  }

  #listOf(roomNid: number): TypingChange {
    return {
      roomNid,
      typing: Array.from(this.#rooms.get(roomNid) ?? [], ([userId, untilMs]) => ({ userId, untilMs })),
    };
  }

  #end(roomNid: number, userId: string): void {
    if (this.#rooms.get(roomNid)?.delete(userId)) this.#touched.add(roomNid);
  }
}
