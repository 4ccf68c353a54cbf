import type { GetEventsRequest, GetRoomEventsRequest, ListRoomHeadsRequest, RoomLog } from '@ganglion/contracts/room';
import { visible } from '../domain/visible-state.js';
import type { EventLog } from '../storage/event-log.js';
import type { StateReader } from '../storage/state-reader.js';

const MAX_EVENTS = 500;
const MAX_HEADS = 1_000;

/** The log that consumers catch up from. */
export class RoomLogRpc implements RoomLog {
  constructor(
    private readonly log: EventLog,
    private readonly reader: StateReader,
  ) {}

  listRoomHeads({ sinceCursor, afterRoom, limit }: ListRoomHeadsRequest) {
    return this.log.heads(sinceCursor, afterRoom, Math.min(limit || MAX_HEADS, MAX_HEADS));
  }

  getRoomEvents({ roomId, afterSeq, limit }: GetRoomEventsRequest) {
    return this.log.read(roomId, afterSeq, Math.min(limit || MAX_EVENTS, MAX_EVENTS));
  }

  async getEvents({ roomId, eventIds }: GetEventsRequest) {
    const { version, events } = await this.reader.events(roomId, eventIds.slice(0, MAX_EVENTS));
    return { events: events.map((event) => visible(event, version)) };
  }
}
