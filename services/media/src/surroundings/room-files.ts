import type { RoomLog } from '@ganglion/contracts/room';
import { filesNamedIn } from '../domain/media-names.js';
import type { FileName } from '../domain/ports/file-store.js';
import type { RoomFiles } from '../domain/ports/surroundings.js';

const EVENTS_AT_ONCE = 500;

/** Reads the files of rooms from the log of their events. */
export class LoggedRoomFiles implements RoomFiles {
  constructor(private readonly log: RoomLog) {}

  async named(roomId: string): Promise<FileName[]> {
    const found = new Map<string, FileName>();
    for (const backfilled of [false, true]) await this.#read(roomId, backfilled, found);
    return [...found.values()];
  }

  async #read(roomId: string, backfilled: boolean, found: Map<string, FileName>): Promise<void> {
    for (let afterSeq = 0; ; ) {
      const { events, more } = await this.log.getRoomEvents({ roomId, afterSeq, limit: EVENTS_AT_ONCE, backfilled });
      for (const { pduJson, roomSeq } of events?.events ?? []) {
        for (const [uri, name] of filesNamedIn(pduJson)) found.set(uri, name);
        afterSeq = roomSeq;
      }
      if (!more || !events?.events.length) return;
    }
  }
}
