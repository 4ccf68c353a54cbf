import type { RoomRecord } from '../ports/read-model.js';
import { TrackedRoom, type UserView } from './user-view.js';

/** The rooms that users in memory have to do with. */
export class TrackedRooms {
  readonly #rooms = new Map<number, TrackedRoom>();
  readonly #nids = new Map<string, number>();

  get(roomNid: number): TrackedRoom | undefined {
    return this.#rooms.get(roomNid);
  }

  nidOf(roomId: string): number | undefined {
    return this.#nids.get(roomId);
  }

  /** The room, known from now on. */
  track(record: RoomRecord): TrackedRoom {
    const known = this.#rooms.get(record.nid);
    if (known !== undefined) return known;
    const room = new TrackedRoom(record);
    this.#rooms.set(record.nid, room);
    this.#nids.set(record.roomId, record.nid);
    return room;
  }

  /** A user is forgotten, and rooms that nobody else has to do with. */
  leave(user: UserView): void {
    for (const { room } of user.rooms.values()) {
      room.users.delete(user);
      if (room.users.size > 0) continue;
      this.#rooms.delete(room.record.nid);
      this.#nids.delete(room.record.roomId);
    }
  }
}
