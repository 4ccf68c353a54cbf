import { PduFate } from '@ganglion/contracts/room';
import type { ForeignServer, Written } from './foreign-server.js';

/** Nothing that holds it may reach a client. */
export const MARK = 'hostile-content';

export interface Hostile {
  /** What is wrong with it. */
  readonly name: string;
  readonly json: string;
  readonly fate: PduFate;
  readonly eventId?: string;
}

const { INVALID, REJECTED } = PduFate;

/** What is no event of the room at all. */
export function malformed(server: ForeignServer, sender: string, otherRoom: string): Hostile[] {
  const { eventId, pdu, json } = server.write(messageOf(sender));
  const with_ = (changes: object) => JSON.stringify({ ...pdu, ...changes });
  const without = (key: string) => JSON.stringify({ ...pdu, [key]: undefined });
  const pdus: Record<string, string> = {
    'no JSON': json.slice(0, -1),
    'a list': `[${json}]`,
    'an empty object': '{}',
    'without a sender': without('sender'),
    'without hashes': without('hashes'),
    'without auth events': without('auth_events'),
    'a type that is a number': with_({ type: 7 }),
    'a content that is a list': with_({ content: [MARK] }),
    'a depth below zero': with_({ depth: -1 }),
    'a state key that is an object': with_({ state_key: {} }),
    'more predecessors than there may be': with_({
      prev_events: Array.from({ length: 21 }, (_, n) => `${eventId}${n}`),
    }),
    'more bytes than there may be': with_({ content: { body: MARK.repeat(5_000) } }),
    'a type with U+0000': with_({ type: 'm.room.message\0' }),
    'a sender that is no user': with_({ sender: 'mallory' }),
    'a float': json.replace('"depth":', '"unheard":1.5,"depth":'),
    'of another room': with_({ room_id: otherRoom }),
    'nested without end': json.replace('"depth":', `"unheard":${'['.repeat(20_000)}${']'.repeat(20_000)},"depth":`),
  };
  return Object.entries(pdus).map(([name, text]) => ({ name, json: text, fate: INVALID }));
}

/** Events of the room that its rules refuse. `mallory` is a member without power, `exile` was banned after the event `beforeBan`. */
export function refused(
  server: ForeignServer,
  mallory: string,
  exile: string,
  { victim, beforeBan }: { victim: string; beforeBan: string },
): Hostile[] {
  const state = (type: string, state_key: string, content: object) => ({
    type,
    sender: mallory,
    state_key,
    content: { ...content, [MARK]: MARK },
  });
  const powers = server.write(state('m.room.power_levels', '', { users: { [mallory]: 100 } }));
  const topic = state('m.room.topic', '', { topic: MARK });
  const levels = server.stateEvent('m.room.power_levels', '');
  const citing = server.authEvents(topic).map((id) => (id === levels ? powers.eventId : id));
  const said = messageOf(mallory);
  const events: Record<string, Written> = {
    'powers that one gives oneself': powers,
    'authorised by an event that was rejected': server.write(topic, { authEvents: citing }),
    'without the auth events that are due': server.write(said, { authEvents: server.authEvents(said).slice(0, 1) }),
    'with an auth event too many': server.write(said, { authEvents: [...server.authEvents(said), beforeBan] }),
    'of somebody who is banned': server.write(messageOf(exile)),
    'of somebody who says that they are not banned yet': server.write(messageOf(exile), {
      authEvents: server.authEvents(messageOf(exile), beforeBan),
    }),
    'of somebody who was never there': server.write(messageOf(server.user('nobody'))),
    'another beginning of the room': server.write(state('m.room.create', '', { room_version: server.rules.id })),
    'somebody else who leaves': server.write(state('m.room.member', victim, { membership: 'leave' })),
    'somebody else who is banned': server.write(state('m.room.member', victim, { membership: 'ban' })),
    'somebody else who joins': server.write(state('m.room.member', '@unasked:one.example', { membership: 'join' })),
    'a membership that there is not': server.write(state('m.room.member', mallory, { membership: 'owner' })),
    'state in the name of somebody else': server.write(state('org.example.note', victim, {})),
  };
  // In later room versions it would be the beginning of a room of its own.
  const fateOf = ({ pdu: { type } }: Written) =>
    type === 'm.room.create' && server.rules.roomIdIsCreateHash ? INVALID : REJECTED;
  return Object.entries(events).map(([name, event]) => ({ ...event, name, fate: fateOf(event) }));
}

export function messageOf(sender: string, body = MARK) {
  return { type: 'm.room.message', sender, content: { msgtype: 'm.text', body } };
}
