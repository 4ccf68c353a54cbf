import type { Bus } from '@ganglion/bus';
import { ANNOUNCEMENTS, ROOM_EVENTS } from '@ganglion/contracts';
import type {
  GetEventsRequest,
  GetEventsResponse,
  GetNewsRequest,
  GetRoomEventsRequest,
  GetRoomEventsResponse,
  GetStateAtEventRequest,
  GetStateChangesRequest,
  GetStateChangesResponse,
  ListPurgesRequest,
  ListRoomHeadsRequest,
  ListRoomHeadsResponse,
  LoggedEvent,
  Purge,
  RoomEvents,
  RoomLog,
} from '@ganglion/contracts/room';
import { type NewEvent, Room } from './room.js';

export type { NewEvent } from './room.js';

/** Rooms in memory: commits and announces events as room-server does, and is the log that consumers catch up from. */
export class TestRooms implements RoomLog {
  readonly #rooms = new Map<string, Room>();
  readonly #purges = new Map<string, Purge[]>();
  #counter = 0;

  constructor(private readonly bus: Bus) {}

  /** A room that these users have joined, the first of them as its creator. */
  async create(...members: string[]): Promise<string> {
    const roomId = this.name();
    const [creator = ''] = members;
    await this.send(roomId, { type: 'm.room.create', sender: creator, stateKey: '', content: { room_version: '11' } });
    for (const member of members) await this.setMembership(roomId, member, 'join');
    return roomId;
  }

  /** The id of a room in which nothing has happened yet. */
  name(): string {
    this.#counter += 1;
    return `!room-${this.#counter}:one.test`;
  }

  setMembership(roomId: string, userId: string, membership: string, sender = userId): Promise<string> {
    return this.send(roomId, { type: 'm.room.member', sender, stateKey: userId, content: { membership } });
  }

  say(roomId: string, sender: string, body: string, content: object = {}): Promise<string> {
    return this.send(roomId, { type: 'm.room.message', sender, content: { msgtype: 'm.text', body, ...content } });
  }

  /** The event's id, once it is stored on the bus. */
  async send(roomId: string, event: NewEvent): Promise<string> {
    const [eventId = ''] = await this.commit(roomId, [event]);
    return eventId;
  }

  /** The events' ids, once they are stored on the bus, all in one message. */
  async commit(roomId: string, events: readonly NewEvent[]): Promise<string[]> {
    const logged = this.append(roomId, events);
    const users = events.flatMap(({ type, sender, stateKey = '' }) =>
      type === 'm.room.member' ? [sender, stateKey] : [sender],
    );
    this.bus.broadcast(ANNOUNCEMENTS, { id: roomId, seq: logged.at(-1)?.roomSeq ?? 0, users });
    await this.publish(roomId, logged);
    return logged.map(({ eventId }) => eventId);
  }

  /** Commits events of which nobody is told. */
  append(roomId: string, events: readonly NewEvent[]): LoggedEvent[] {
    return events.map((event) => this.room(roomId).append(event));
  }

  /** Puts events into the log that are older than what is there, of which nobody is told. */
  backfill(roomId: string, events: readonly NewEvent[]): LoggedEvent[] {
    return events.map((event) => this.room(roomId).backfill(event));
  }

  /** Loses the last events of a room, as when a database is restored. */
  lose(roomId: string, count: number): void {
    this.room(roomId).live.splice(-count);
  }

  /** Lets events go, of which the log tells nothing any more. */
  purge(roomId: string, eventIds: readonly string[]): void {
    const room = this.room(roomId);
    const gone = [...room.live, ...room.backfilled].filter(({ eventId }) => eventIds.includes(eventId));
    for (const events of [room.live, room.backfilled]) {
      events.splice(0, events.length, ...events.filter((event) => !gone.includes(event)));
    }
    const purges = this.#purges.get(roomId) ?? [];
    this.#purges.set(roomId, [
      ...purges,
      { purgeSeq: purges.length + 1, eventNids: gone.map((event) => event.eventNid) },
    ]);
  }

  /** Tells of committed events on the bus. */
  async publish(roomId: string, events: readonly LoggedEvent[]): Promise<void> {
    await this.publishRun(this.#run(roomId, events));
  }

  /** Tells of events of any room. */
  async publishRun(run: RoomEvents): Promise<void> {
    await this.bus.publish(ROOM_EVENTS, run, { key: run.roomId });
  }

  /** The log of a room. */
  log(roomId: string): readonly LoggedEvent[] {
    return this.room(roomId).live;
  }

  room(roomId: string): Room {
    const known = this.#rooms.get(roomId);
    if (known !== undefined) return known;
    // Not in the order in which they are made: nobody may rely on it.
    const room = new Room(roomId, 1_000_000 - this.#rooms.size * 1_000);
    this.#rooms.set(roomId, room);
    return room;
  }

  async listRoomHeads({ sinceCursor }: ListRoomHeadsRequest): Promise<ListRoomHeadsResponse> {
    const heads = [...this.#rooms].map(([roomId, { live, backfilled }]) => ({
      ...{ roomId, roomSeq: live.at(-1)?.roomSeq ?? 0, backSeq: backfilled.at(-1)?.roomSeq ?? 0 },
      purgeSeq: this.#purges.get(roomId)?.length ?? 0,
    }));
    return { heads, cursor: sinceCursor };
  }

  /** Its rooms are asked for by name. */
  async findRoomsOfEvent() {
    return { roomIds: [] };
  }

  async listPurges({ roomId, afterPurgeSeq }: ListPurgesRequest) {
    const purges = this.#purges.get(roomId) ?? [];
    return { purges: purges.filter(({ purgeSeq }) => purgeSeq > afterPurgeSeq).slice(0, 2) };
  }

  async getEvents({ roomId, eventIds, eventNids, roomNids }: GetEventsRequest): Promise<GetEventsResponse> {
    if (roomNids.length === 0) {
      return { events: this.room(roomId).find((id, nid) => eventIds.includes(id) || eventNids.includes(nid)) };
    }
    const rooms = new Map([...this.#rooms.values()].map((room) => [room.roomNid, room]));
    return {
      events: eventNids.flatMap((wanted, index) => rooms.get(roomNids[index]!)?.find((_, nid) => nid === wanted) ?? []),
    };
  }

  async getStateAtEvent({ roomNid, eventNid, others, allMembers, userIds }: GetStateAtEventRequest) {
    const room = [...this.#rooms.values()].find((candidate) => candidate.roomNid === roomNid)!;
    const wanted = room.stateAt(eventNid).filter(({ pdu: { type, state_key: key = '' } }) => {
      return type === 'm.room.member' ? allMembers || userIds.includes(key) : others;
    });
    return { eventNids: wanted.map((event) => event.eventNid), unknown: false };
  }

  async getStateChanges({
    roomId,
    roomSeq,
    afterKey,
    limit,
  }: GetStateChangesRequest): Promise<GetStateChangesResponse> {
    const all = this.room(roomId).jumps.get(roomSeq) ?? [];
    const after = all.filter(({ keyNid }) => keyNid > afterKey).sort((one, other) => one.keyNid - other.keyNid);
    const changes = after.slice(0, limit);
    return { changes, nextKey: after.length > limit ? changes.at(-1)?.keyNid : undefined };
  }

  async getRoomEvents({ roomId, afterSeq, limit, backfilled }: GetRoomEventsRequest): Promise<GetRoomEventsResponse> {
    const room = this.room(roomId);
    const after = backfilled
      ? room.backfilled.filter(({ roomSeq }) => roomSeq < afterSeq)
      : room.live.filter(({ roomSeq }) => roomSeq > afterSeq);
    return { events: this.#run(roomId, after.slice(0, limit)), more: after.length > limit };
  }

  async getNews({ rooms, limit }: GetNewsRequest) {
    const news = rooms.map(async ({ roomId, afterSeq }) => {
      const { events } = await this.getRoomEvents({ roomId, afterSeq, limit, backfilled: false });
      return events!.events.length === 0 ? [] : [events!];
    });
    return { rooms: (await Promise.all(news)).flat(), more: false };
  }

  #run(roomId: string, events: readonly LoggedEvent[]): RoomEvents {
    const { roomNid, version } = this.room(roomId);
    return { roomId, roomVersion: version, events: [...events], roomNid };
  }
}
