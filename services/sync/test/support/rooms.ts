import { randomBytes } from 'node:crypto';
import type { Bus } from '@ganglion/bus';
import { ANNOUNCEMENTS, ROOM_EVENTS } from '@ganglion/contracts';
import type {
  GetEventsRequest,
  GetEventsResponse,
  GetRoomEventsRequest,
  GetRoomEventsResponse,
  GetStateChangesResponse,
  ListRoomHeadsRequest,
  ListRoomHeadsResponse,
  LoggedEvent,
  RoomEvents,
  RoomLog,
  StateChange,
} from '@ganglion/contracts/room';

export interface NewEvent {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string;
  readonly content: object;
  readonly redacts?: string;
  /** What else it makes of the state than itself, as state resolution may. */
  readonly stateChanges?: readonly Pick<StateChange, 'type' | 'stateKey' | 'eventId'>[];
  readonly transaction?: { readonly userId: string; readonly deviceId: string; readonly txnId: string };
}

const ROOM_VERSION = '11';

/** Rooms in memory: commits and announces events as room-server does, and is the log that consumers catch up from. */
export class TestRooms implements RoomLog {
  readonly #rooms = new Map<string, LoggedEvent[]>();
  #counter = 0;

  constructor(private readonly bus: Bus) {}

  /** A room that these users have joined, the first of them as its creator. */
  async create(...members: string[]): Promise<string> {
    this.#counter += 1;
    const roomId = `!room-${this.#counter}:one.test`;
    const [creator = ''] = members;
    await this.send(roomId, { type: 'm.room.create', sender: creator, stateKey: '', content: { room_version: '11' } });
    for (const member of members) await this.setMembership(roomId, member, 'join');
    return roomId;
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
    this.bus.broadcast(ANNOUNCEMENTS, { id: roomId, seq: logged.at(-1)?.roomSeq ?? 0 });
    await this.publish(roomId, logged);
    return logged.map(({ eventId }) => eventId);
  }

  /** Commits events of which nobody is told. */
  append(roomId: string, events: readonly NewEvent[]): LoggedEvent[] {
    const log = this.#rooms.get(roomId) ?? [];
    this.#rooms.set(roomId, log);
    return events.map((event) => {
      const logged = loggedEvent(roomId, log.length + 1, event);
      log.push(logged);
      return logged;
    });
  }

  /** Tells of committed events on the bus. */
  async publish(roomId: string, events: readonly LoggedEvent[]): Promise<void> {
    await this.bus.publish(ROOM_EVENTS, runOf(roomId, events), { key: roomId });
  }

  /** The log of a room. */
  log(roomId: string): readonly LoggedEvent[] {
    return this.#rooms.get(roomId) ?? [];
  }

  async listRoomHeads({ sinceCursor }: ListRoomHeadsRequest): Promise<ListRoomHeadsResponse> {
    const heads = [...this.#rooms].map(([roomId, log]) => ({ roomId, roomSeq: log.length, backSeq: 0 }));
    return { heads, cursor: sinceCursor };
  }

  async getEvents({ roomId, eventIds }: GetEventsRequest): Promise<GetEventsResponse> {
    const found = (this.#rooms.get(roomId) ?? []).filter(({ eventId }) => eventIds.includes(eventId));
    return { events: found.map(({ eventId, eventNid, pduJson }) => ({ eventId, eventNid, pduJson })) };
  }

  async getStateChanges(): Promise<GetStateChangesResponse> {
    return { changes: [] };
  }

  async getRoomEvents({ roomId, afterSeq, limit }: GetRoomEventsRequest): Promise<GetRoomEventsResponse> {
    const after = (this.#rooms.get(roomId) ?? []).filter(({ roomSeq }) => roomSeq > afterSeq);
    const events = after.slice(0, limit);
    return { events: runOf(roomId, events), more: after.length > limit };
  }
}

function runOf(roomId: string, events: readonly LoggedEvent[]): RoomEvents {
  return { roomId, roomVersion: ROOM_VERSION, roomNid: Number(/\d+/.exec(roomId)?.[0]), events: [...events] };
}

let lastNid = 0;

function loggedEvent(roomId: string, roomSeq: number, event: NewEvent): LoggedEvent {
  const { type, sender, stateKey, content, redacts, transaction, stateChanges = [] } = event;
  const eventId = `$${randomBytes(32).toString('base64url')}`;
  const pdu = {
    ...{ room_id: roomId, type, sender, origin_server_ts: Date.now(), depth: roomSeq },
    content: redacts === undefined ? content : { ...content, redacts },
    ...(stateKey !== undefined && { state_key: stateKey }),
    ...{ prev_events: [], auth_events: [], hashes: { sha256: '' }, signatures: {} },
  };
  lastNid += 1;
  const changes = [...(stateKey === undefined ? [] : [{ type, stateKey, eventId }]), ...stateChanges];
  return {
    ...{ roomSeq, eventId, eventNid: lastNid, pduJson: JSON.stringify(pdu) },
    ...{ visibility: 'shared', memberships: [], hasMoreStateChanges: false },
    stateChanges: changes.map((change) => ({ ...change, eventNid: lastNid, keyNid: lastNid })),
    ...(redacts !== undefined && { redactedEventId: redacts }),
    ...(transaction !== undefined && { transaction: { ...transaction, scope: 'send' } }),
  };
}
