import type { GetRoomEventsRequest, ListRoomHeadsRequest, RoomLog } from '@ganglion/contracts/room';
import type { EventLog } from '../storage/event-log.js';

const MAX_EVENTS = 500;
const MAX_HEADS = 1_000;

/** The log that consumers catch up from. */
export class RoomLogRpc implements RoomLog {
  constructor(private readonly log: EventLog) {}

  listRoomHeads({ sinceCursor, afterRoom, limit }: ListRoomHeadsRequest) {
    return this.log.heads(sinceCursor, afterRoom, Math.min(limit || MAX_HEADS, MAX_HEADS));
  }

  getRoomEvents({ roomId, afterSeq, limit }: GetRoomEventsRequest) {
    return this.log.read(roomId, afterSeq, Math.min(limit || MAX_EVENTS, MAX_EVENTS));
  }
}
