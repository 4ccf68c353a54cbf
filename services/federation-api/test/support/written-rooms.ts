import type {
  GetEventsRequest,
  GetNewsRequest,
  GetRoomEventsRequest,
  ListRoomHeadsRequest,
  ListRoomServersRequest,
  ListServersOfRoomsRequest,
  ListServersOfUserRequest,
  LoggedEvent,
  RoomIntake,
  RoomLog,
} from '@ganglion/contracts/room';

interface WrittenRoom {
  readonly roomId: string;
  readonly nid: number;
  readonly events: LoggedEvent[];
  servers: string[];
  /** How many users each server has there, if that is told. */
  joined?: Readonly<Record<string, number>>;
  changedAt: number;
}

/** Rooms whose logs a test writes. */
export class WrittenRooms implements Pick<RoomLog, 'listRoomHeads' | 'getRoomEvents' | 'getEvents' | 'getNews'> {
  readonly #rooms = new Map<string, WrittenRoom>();
  #changes = 0;
  /** As a room-server of the release before, which cannot tell of many rooms at once. */
  isOld = false;

  /** A new room, with these servers in it. */
  create(...servers: string[]): string {
    const nid = this.#rooms.size + 1;
    const roomId = `!room${nid}:ours.example`;
    this.#rooms.set(roomId, { roomId, nid, events: [], servers: ['ours.example', ...servers], changedAt: 0 });
    return roomId;
  }

  setServers(roomId: string, ...servers: string[]): void {
    this.#rooms.get(roomId)!.servers = ['ours.example', ...servers];
  }

  /** Tells how many users each server has in a room by now. */
  count(roomId: string, joined: Readonly<Record<string, number>>): void {
    this.#rooms.get(roomId)!.joined = { 'ours.example': 1, ...joined };
    this.setServers(roomId, ...Object.keys(joined));
  }

  say(roomId: string, body: string, sender = '@anna:ours.example'): void {
    this.#write(roomId, { type: 'm.room.message', sender, content: { body } as object });
  }

  /** Somebody comes, or shows something else of themselves. The id of the event. */
  join(roomId: string, userId: string, authEventIds: string[] = []): string {
    const content = { membership: 'join' };
    return this.#write(roomId, { type: 'm.room.member', state_key: userId, sender: userId, content }, authEventIds);
  }

  /** Somebody is put out. */
  ban(roomId: string, userId: string, authEventIds: string[]): void {
    const content = { membership: 'ban' };
    const draft = { type: 'm.room.member', state_key: userId, sender: '@anna:ours.example', content };
    this.#write(roomId, draft, authEventIds);
  }

  async getEvents({ roomId, eventIds }: GetEventsRequest) {
    const events = this.#rooms.get(roomId)?.events ?? [];
    return { events: events.filter(({ eventId }) => eventIds.includes(eventId)) as never[] };
  }

  #write(roomId: string, draft: Draft, authEventIds: string[] = []): string {
    const room = this.#rooms.get(roomId)!;
    const eventId = `$${room.nid}-${room.events.length + 1}`;
    const pdu = { ...draft, room_id: roomId, auth_events: authEventIds, origin_server_ts: Date.now() };
    room.changedAt = ++this.#changes;
    room.events.push({
      ...{
        roomSeq: room.events.length + 1,
        eventId,
        eventNid: this.#changes,
      },
      ...{
        pduJson: JSON.stringify(pdu),
        stateChanges: changesOf(eventId, draft),
        memberships: [],
        visibility: 'shared',
      },
      hasMoreStateChanges: false,
    });
    return eventId;
  }

  async listRoomHeads({ sinceCursor }: ListRoomHeadsRequest) {
    const changed = [...this.#rooms.values()].filter(({ changedAt }) => changedAt > sinceCursor);
    const heads = changed.map(({ roomId, events }) => ({ roomId, roomSeq: events.length, backSeq: 0, purgeSeq: 0 }));
    return { heads, cursor: this.#changes };
  }

  async getRoomEvents({ roomId, afterSeq, limit }: GetRoomEventsRequest) {
    const room = this.#rooms.get(roomId);
    const events = room?.events.slice(afterSeq, afterSeq + limit) ?? [];
    const more = afterSeq + limit < (room?.events.length ?? 0);
    return { events: { roomId, roomVersion: '11', roomNid: room?.nid ?? 0, events }, more };
  }

  async getNews({ rooms, limit }: GetNewsRequest) {
    if (this.isOld) throw Object.assign(new Error('The server does not implement it'), { code: 'UNIMPLEMENTED' });
    const all = rooms.flatMap(({ roomId, afterSeq }) => {
      const room = this.#rooms.get(roomId)!;
      return room.events.slice(afterSeq).map((event) => ({ room, event }));
    });
    const page = Map.groupBy(all.slice(0, limit), ({ room }) => room);
    const news = [...page].map(([{ roomId, nid: roomNid }, found]) => {
      return { roomId, roomVersion: '11', roomNid, events: found.map(({ event }) => event) };
    });
    return { rooms: news, more: all.length > limit };
  }

  get intake(): Pick<RoomIntake, 'listRoomServers' | 'listServersOfUser' | 'listServersOfRooms'> {
    return {
      // All of our users are in all rooms.
      listServersOfUser: async ({ besideRoomId }: ListServersOfUserRequest) => {
        const others = [...this.#rooms.values()].filter(({ roomId }) => roomId !== besideRoomId);
        return { serverNames: [...new Set(others.flatMap(({ servers }) => servers))] };
      },
      listServersOfRooms: async ({ roomIds }: ListServersOfRoomsRequest) => ({
        rooms: roomIds.flatMap((roomId) => {
          const room = this.#rooms.get(roomId);
          return room === undefined ? [] : [served(room)];
        }),
      }),
      listRoomServers: async ({ roomId }: ListRoomServersRequest) => ({
        serverNames: [...(this.#rooms.get(roomId)?.servers ?? [])],
      }),
    };
  }
}

interface Draft {
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: { readonly membership?: string };
}

function changesOf(eventId: string, { type, state_key: stateKey, content }: Draft): LoggedEvent['stateChanges'] {
  if (stateKey === undefined) return [];
  return [{ type, stateKey, eventId, eventNid: 1, keyNid: 1, membership: content.membership }];
}

function served({ roomId, servers, joined, events }: WrittenRoom) {
  if (joined === undefined) return { roomId, serverNames: servers, blocked: false, joined: [], roomSeq: 0 };
  const counts = servers.map((name) => joined[name]!);
  return { roomId, serverNames: servers, blocked: false, joined: counts, roomSeq: events.length };
}
