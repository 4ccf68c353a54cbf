import type {
  FindRoomsOfEventRequest,
  GetEventsRequest,
  GetNewsRequest,
  GetRoomEventsRequest,
  GetStateAtEventRequest,
  GetStateChangesRequest,
  ListPurgesRequest,
  ListRoomHeadsRequest,
  RoomLog,
} from '@ganglion/contracts/room';
import { visible } from '../domain/visible-state.js';
import type { EventLog } from '../storage/event-log.js';
import type { StateJumps } from '../storage/state-jumps.js';
import type { StateReader } from '../storage/state-reader.js';

const MAX_EVENTS = 500;
const MAX_HEADS = 1_000;
const MAX_CHANGES = 5_000;
/** Each has the numbers of up to a few hundred events. */
const MAX_PURGES = 50;

/** The log that consumers catch up from. */
export class RoomLogRpc implements RoomLog {
  constructor(
    private readonly log: EventLog,
    private readonly reader: StateReader,
    private readonly jumps: StateJumps,
  ) {}

  listRoomHeads({ sinceCursor, afterRoom, limit }: ListRoomHeadsRequest) {
    return this.log.heads(sinceCursor, afterRoom, Math.min(limit || MAX_HEADS, MAX_HEADS));
  }

  getRoomEvents({ roomId, afterSeq, limit, backfilled }: GetRoomEventsRequest) {
    return this.log.read({ roomId, afterSeq, backfilled, limit: Math.min(limit || MAX_EVENTS, MAX_EVENTS) });
  }

  getNews({ rooms, limit }: GetNewsRequest) {
    return this.log.news(rooms.slice(0, MAX_HEADS), Math.min(limit || MAX_EVENTS, MAX_EVENTS));
  }

  async getStateChanges({ roomId, roomSeq, afterKey, limit }: GetStateChangesRequest) {
    const page = await this.jumps.page(roomId, roomSeq, afterKey, Math.min(limit || MAX_CHANGES, MAX_CHANGES));
    return { changes: [...page.changes], nextKey: page.nextKey };
  }

  async getStateAtEvent(request: GetStateAtEventRequest) {
    const eventNids = await this.reader.entriesAt(request);
    return { eventNids: eventNids ?? [], unknown: eventNids === undefined };
  }

  async listPurges({ roomId, afterPurgeSeq, limit }: ListPurgesRequest) {
    return { purges: await this.log.purges(roomId, afterPurgeSeq, Math.min(limit || MAX_PURGES, MAX_PURGES)) };
  }

  async findRoomsOfEvent({ eventId }: FindRoomsOfEventRequest) {
    return { roomIds: await this.log.roomsOf(eventId) };
  }

  async getEvents({ roomId, eventIds, eventNids, roomNids, withOutliers }: GetEventsRequest) {
    const nids = eventNids.slice(0, MAX_EVENTS);
    const found =
      roomNids.length > 0
        ? await this.reader.eventsOfRooms(roomNids.slice(0, MAX_EVENTS), nids)
        : await this.reader.events(roomId, eventIds.slice(0, MAX_EVENTS), nids, withOutliers);
    return { events: found.map(({ event, version, transaction }) => ({ ...visible(event, version), transaction })) };
  }
}
