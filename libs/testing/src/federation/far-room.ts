import { type JsonObject, type RoomVersionRules, roomVersionRules, type SigningKey } from '@ganglion/protocol';
import { RoomWriter, type WrittenEvent } from '@ganglion/protocol/testing';

export interface FarRoomOptions {
  /** The server that makes the room. */
  readonly server: string;
  /** Of all who have to sign. */
  readonly keys: ReadonlyMap<string, SigningKey>;
  readonly version?: string;
  readonly joinRule?: string;
}

export interface Draft {
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: JsonObject;
}

let salt = 0;

/** A room that another server writes, event by event. */
export class FarRoom {
  readonly writer: RoomWriter;
  readonly rules: RoomVersionRules;
  readonly creator: string;
  tips: string[] = [];

  constructor({ server, keys, version = '11', joinRule = 'public' }: FarRoomOptions) {
    this.rules = roomVersionRules(version)!;
    this.creator = `@creator:${server}`;
    this.writer = new RoomWriter({ rules: this.rules, keys, salt: `far${++salt}x` });
    const creator = this.rules.implicitCreator ? {} : { creator: this.creator };
    this.state('m.room.create', { room_version: version, number: salt, ...creator });
    this.member(this.creator, 'join');
    this.state('m.room.power_levels', { users: this.rules.privilegedCreators ? {} : { [this.creator]: 100 } });
    this.state('m.room.join_rules', { join_rule: joinRule });
    this.state('m.room.history_visibility', { history_visibility: 'shared' });
  }

  get roomId(): string {
    return this.writer.roomId;
  }

  /** Writes an event after these, or after the last one, now or at another time. */
  write(draft: Draft, prevs = this.tips, ts = Date.now()): WrittenEvent {
    const written = this.writer.write({ ...draft, origin_server_ts: ts }, prevs);
    this.tips = [written.eventId];
    return written;
  }

  state(type: string, content: JsonObject, key = '', sender = this.creator): WrittenEvent {
    return this.write({ type, sender, state_key: key, content });
  }

  member(userId: string, membership: string, sender = userId): WrittenEvent {
    return this.state('m.room.member', { membership }, userId, sender);
  }

  say(body: string, sender = this.creator, prevs = this.tips, ts = Date.now()): WrittenEvent {
    return this.write({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body } }, prevs, ts);
  }

  find(eventId: string): WrittenEvent | undefined {
    return this.writer.events.find((event) => event.eventId === eventId);
  }

  /** What authorises events, and what authorises that, without themselves. */
  authChain(eventIds: Iterable<string>): WrittenEvent[] {
    const found = new Set<string>();
    const left = [...eventIds];
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      for (const reference of this.find(id)?.pdu.auth_events ?? []) {
        const authId = typeof reference === 'string' ? reference : reference[0];
        if (!found.has(authId)) left.push(authId);
        found.add(authId);
      }
    }
    return this.writer.events.filter(({ eventId }) => found.has(eventId));
  }
}
