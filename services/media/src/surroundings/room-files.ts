import type { RoomLog, RoomSummaries } from '@ganglion/contracts/room';
import { filesNamedIn } from '../domain/media-names.js';
import type { FileName } from '../domain/ports/file-store.js';
import type { RoomAvatars, RoomFiles } from '../domain/ports/surroundings.js';

const EVENTS_AT_ONCE = 500;

/** Files of rooms, as room-server knows them: from the log of their events, and by what they show now. */
export class LoggedRoomFiles implements RoomFiles, RoomAvatars {
  constructor(
    private readonly log: RoomLog,
    private readonly summaries: Pick<RoomSummaries, 'listRoomAvatars'>,
  ) {}

  async among(uris: readonly string[]): Promise<string[]> {
    return (await this.summaries.listRoomAvatars({ candidates: [...uris] })).uris;
  }

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
