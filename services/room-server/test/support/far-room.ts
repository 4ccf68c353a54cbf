import { hash } from 'node:crypto';
import {
  hashAndSignEvent,
  type JsonObject,
  roomVersionRules,
  type SigningKey,
  signingKeyFromSeed,
  type UnsignedEvent,
} from '@ganglion/protocol';
import { RoomWriter, type WrittenEvent } from '@ganglion/protocol/testing';
import type { Replica } from './room-servers.js';

export const FAR = 'far.test';
export const REMOTE = `@remote:${FAR}`;

let salt = 0;

function farKey(): SigningKey {
  return signingKeyFromSeed('1', hash('sha256', FAR, 'buffer'));
}

/** Hashes and signs an event as the other server does. */
export function signedByFar(event: UnsignedEvent, version: string) {
  const signed = hashAndSignEvent(event, roomVersionRules(version)!, FAR, farKey());
  return { ...signed, json: JSON.stringify(signed.pdu) };
}

/** A room of another server, to which this one has been told nothing yet. */
export class FarRoom {
  readonly writer: RoomWriter;
  readonly #salt = ++salt;
  #tips: string[] = [];

  constructor(
    keys: ReadonlyMap<string, SigningKey>,
    readonly version = '11',
    joinRule = 'public',
  ) {
    const rules = roomVersionRules(version)!;
    this.writer = new RoomWriter({ rules, keys: new Map([...keys, [FAR, farKey()]]), salt: `s${salt}x` });
    const creator = rules.implicitCreator ? {} : { creator: REMOTE };
    this.state('m.room.create', { room_version: version, number: salt, ...creator });
    this.state('m.room.member', { membership: 'join' }, REMOTE);
    this.state('m.room.power_levels', { users: version === '12' ? {} : { [REMOTE]: 100 } });
    this.state('m.room.join_rules', { join_rule: joinRule });
  }

  get roomId(): string {
    return this.writer.roomId;
  }

  say(draft: Parameters<RoomWriter['write']>[0], prevs = this.#tips): WrittenEvent {
    const written = this.writer.write(draft, prevs);
    this.#tips = [written.eventId];
    return written;
  }

  state(type: string, content: JsonObject, key = '', sender = REMOTE): WrittenEvent {
    return this.say({ type, sender, state_key: key, content, origin_server_ts: this.#salt });
  }

  message(body: string, prevs?: string[], sender = REMOTE): WrittenEvent {
    return this.say({ type: 'm.room.message', sender, content: { body }, origin_server_ts: this.#salt }, prevs);
  }

  join(userId: string): WrittenEvent {
    return this.state('m.room.member', { membership: 'join' }, userId, userId);
  }
}

/** What a server that lets us in answers: the state before our join and what authorises it, in pieces. */
export async function enter(replica: Replica, { writer, version }: FarRoom, eventId: string, piece = 400) {
  const { roomId } = writer;
  const { json, stateBefore } = writer.events.find((event) => event.eventId === eventId)!;
  const texts = writer.events.filter(({ pdu }) => pdu.state_key !== undefined).map((event) => event.json);
  for (let first = 0; first === 0 || first < texts.length; first += piece) {
    const pdusJson = texts.slice(first, first + piece).filter((text) => text !== json);
    await replica.roomIntake.storeOutliers({ roomId, roomVersion: version, pdusJson });
  }
  const stateEventIds = [...stateBefore.values()];
  const { outcomes } = await replica.roomIntake.placeWithState({
    ...{ roomId, pduJson: json, stateEventIds, backfill: false },
  });
  return outcomes[0]!;
}

export function receive({ roomIntake }: Replica, { roomId }: FarRoom, pdusJson: string[], backfill = false) {
  return roomIntake.receivePdus({ roomId, pdusJson, backfill });
}
