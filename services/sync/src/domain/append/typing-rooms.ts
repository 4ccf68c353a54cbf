import type { TypingRow } from '../append-batch.js';

/** That a user is typing in a room, for so long unless told otherwise. */
export interface TypingNote {
  readonly roomNid: number;
  readonly userId: string;
  /** 0 when they have stopped. */
  readonly timeoutMs: number;
}

interface Room {
  /** Until when each is typing, in the order in which they began. */
  readonly users: Map<string, number>;
  /** Who is typing as the read model has it. */
  placed: readonly string[];
}

/**
 * Who is typing, in the memory of the appender: it alone takes notes and ends what has lasted too long, so that all
 * replicas agree. Only who begins and who ends is a change for the read model; that somebody goes on is not.
 */
export class TypingRooms {
  readonly #rooms = new Map<number, Room>();
  /** Rooms whose list may differ from the read model's. */
  readonly #touched = new Set<number>();
  /** When the first of them all ends. */
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor(placed: readonly Omit<TypingRow, 'position'>[] = []) {
    for (const { roomNid, typing } of placed) {
      const users = new Map(typing.map(({ userId, untilMs }) => [userId, untilMs]));
      this.#rooms.set(roomNid, { users, placed: [...users.keys()] });
      this.#nextEnd = Math.min(this.#nextEnd, ...users.values());
    }
  }

  note({ roomNid, userId, timeoutMs }: TypingNote, now: number): void {
    const room = this.#rooms.get(roomNid) ?? { users: new Map(), placed: [] };
    this.#rooms.set(roomNid, room);
    if (timeoutMs > 0) room.users.set(userId, now + timeoutMs);
    else room.users.delete(userId);
    if (timeoutMs > 0) this.#nextEnd = Math.min(this.#nextEnd, now + timeoutMs);
    this.#touched.add(roomNid);
  }

  /** Whoever has left is not typing any more; whoever has sent a message may go on with the next one. */
  noteEvent(event: {
    roomNid: number;
    type: string;
    stateKey: string | undefined;
    membership: string | undefined;
  }): void {
    const { roomNid, type, stateKey, membership } = event;
    if (type === 'm.room.member' && membership !== 'join') this.#end(roomNid, stateKey ?? '');
  }

  /** Whether somebody has been typing for too long. */
  isDue(now: number): boolean {
    return this.#nextEnd <= now;
  }

  /** Ends what has lasted too long. */
  expire(now: number): void {
    if (!this.isDue(now)) return;
    this.#nextEnd = Number.POSITIVE_INFINITY;
    for (const [roomNid, { users }] of this.#rooms) {
      for (const [userId, untilMs] of users) {
        if (untilMs <= now) this.#end(roomNid, userId);
        else this.#nextEnd = Math.min(this.#nextEnd, untilMs);
      }
    }
  }

  /** The lists that the read model does not have yet. */
  changes(): Omit<TypingRow, 'position'>[] {
    return [...this.#touched].flatMap((roomNid) => {
      const { users, placed } = this.#rooms.get(roomNid) ?? { users: new Map<string, number>(), placed: [] };
      if (users.size === placed.length && placed.every((userId) => users.has(userId))) return [];
      return [{ roomNid, typing: [...users].map(([userId, untilMs]) => ({ userId, untilMs })) }];
    });
  }

  /** The read model has these lists now. */
  wasPlaced(rows: readonly TypingRow[]): void {
    for (const { roomNid, typing } of rows) {
      const room = this.#rooms.get(roomNid);
      if (room !== undefined) room.placed = typing.map(({ userId }) => userId);
    }
    for (const roomNid of this.#touched) this.#forgetIfEmpty(roomNid);
    this.#touched.clear();
  }

  #end(roomNid: number, userId: string): void {
    if (this.#rooms.get(roomNid)?.users.delete(userId)) this.#touched.add(roomNid);
  }

  #forgetIfEmpty(roomNid: number): void {
    const room = this.#rooms.get(roomNid);
    if (room?.users.size === 0 && room.placed.length === 0) this.#rooms.delete(roomNid);
  }
}
