import type { EventDraft, RoomVersionId } from '@ganglion/protocol';
import { Random, RoomWriter, type SigningKeys, type WrittenEvent } from '@ganglion/protocol/testing';
import { ALICE, BOB, CAROL, rulesOf } from './room.js';

export interface LinearRoom {
  readonly version: RoomVersionId;
  readonly writer: RoomWriter;
  readonly events: readonly WrittenEvent[];
}

export interface LinearRoomOptions {
  readonly seed: number;
  readonly version: RoomVersionId;
  readonly keys: SigningKeys;
  readonly length: number;
}

type Deed = Omit<EventDraft, 'origin_server_ts'>;

/** Nobody of theirs can join as long as there is no federation. */
const ELSEWHERE = '@eve:elsewhere.test';
const USERS = [ALICE, BOB, CAROL, '@dora:two.test'];
/** What looks like an escape, and what is one, in JSON. */
const TEXTS = ['Welcome', 'Zürich', '🦓', 'a\0b', String.raw`\u0000`, String.raw`\\u0000\\`, '"\0\\'];
const VISIBILITIES = ['world_readable', 'shared', 'invited', 'joined', 'nobody', 7];
const START_TS = 1_700_000_000_000;

/**
 * A room of real events, each of them allowed, that follow one another in one line: all that there could be before rooms
 * were graphs. Made up from a seed.
 */
export function linearRoom({ seed, version, keys, length }: LinearRoomOptions): LinearRoom {
  const rules = rulesOf(version);
  const random = new Random(`linear ${version} ${seed}`);
  const writer = new RoomWriter({ rules, keys, salt: `l${seed}x` });
  const add = (deed: Deed, isSure: boolean) => {
    const last = writer.events.at(-1);
    const draft = { ...deed, origin_server_ts: START_TS + 1000 * writer.events.length };
    if (!isSure && !writer.allows(draft, last!.stateAfter)) return;
    writer.write(draft, last === undefined ? [] : [last.eventId]);
  };
  for (const deed of beginning(version, seed)) add(deed, true);
  while (writer.events.length < length) add(randomDeed(random, writer.events), false);
  if (writer.events.some(({ rejected }) => rejected)) throw new Error('an event of the room is not allowed');
  return { version, writer, events: [...writer.events] };
}

function beginning(version: RoomVersionId, seed: number): Deed[] {
  const { implicitCreator, privilegedCreators } = rulesOf(version);
  const users = { ...(!privilegedCreators && { [ALICE]: 100 }), [BOB]: 50 };
  return [
    state(ALICE, 'm.room.create', '', {
      room_version: version,
      'org.example.number': seed,
      ...(!implicitCreator && { creator: ALICE }),
    }),
    member(ALICE, ALICE, 'join'),
    state(ALICE, 'm.room.power_levels', '', { users }),
    state(ALICE, 'm.room.join_rules', '', { join_rule: 'public' }),
    member(BOB, BOB, 'join'),
    member(ALICE, ELSEWHERE, 'invite'),
  ];
}

function randomDeed(random: Random, events: readonly WrittenEvent[]): Deed {
  const sender = random.pick(USERS);
  const text = random.pick(TEXTS);
  const key = random.percent(80) ? random.below(4_000) : random.below(10);
  return random.weighted<() => Deed>([
    [30, () => ({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body: text } })],
    [10, () => state(sender, 'm.room.topic', '', { topic: text })],
    [60, () => state(sender, 'org.example.note', `${key}`, { text })],
    [6, () => state(sender, 'm.room.history_visibility', '', { history_visibility: random.pick(VISIBILITIES), text })],
    [10, () => member(sender, sender, sender === ALICE ? 'join' : random.pick(['join', 'join', 'leave']), text)],
    [8, () => member(sender, random.pick(USERS), random.pick(['invite', 'leave', 'ban']), text)],
    [6, () => redaction(random, random.pick(events.slice(1)))],
  ])();
}

/** By somebody who may, so that it takes effect. */
function redaction(random: Random, { eventId, pdu }: WrittenEvent): Deed {
  return { type: 'm.room.redaction', sender: random.pick([ALICE, pdu.sender]), content: {}, redacts: eventId };
}

function state(sender: string, type: string, stateKey: string, content: Deed['content']): Deed {
  return { type, sender, state_key: stateKey, content };
}

function member(sender: string, target: string, membership: string, displayname = target): Deed {
  return state(sender, 'm.room.member', target, { membership, displayname });
}
