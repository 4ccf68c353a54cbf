import type { EventDraft } from '../events/build-event.js';
import { MAX_DEPTH } from '../events/limits.js';
import type { StateMap } from '../rooms/state-map.js';
import type { Random } from './random.js';
import type { Claims, RoomWriter } from './room-writer.js';

/** Where a server may lie about an event, and how often it does in a hundred times. */
const LIE = 10;

interface Occasion {
  readonly random: Random;
  readonly room: RoomWriter;
  readonly draft: EventDraft;
  readonly honest: readonly string[];
}

type Lie = (occasion: Occasion) => readonly string[];

/** The auth events of an older state: it may not know of a ban yet. */
const outdated: Lie = ({ random, room, draft }) => room.authEventsFor(draft, random.pick(room.events).stateBefore);

const oneMissing: Lie = ({ random, honest }) => honest.filter((_id, index) => index !== random.below(honest.length));

const oneTooMany: Lie = ({ random, room, honest }) => [...honest, random.pick(room.events).eventId];

const oneTwice: Lie = ({ honest }) => [...honest, ...honest.slice(0, 1)];

const oneRejected: Lie = ({ random, room, honest }) => {
  const rejected = room.events.filter((event) => event.rejected && event.pdu.state_key !== undefined);
  if (rejected.length === 0) return honest;
  const { eventId, pdu } = random.pick(rejected);
  const others = honest.filter((id) => room.event(id)?.pdu.type !== pdu.type);
  return [...others, eventId];
};

/** What an event says of its place: mostly the truth. */
export function randomClaims(
  random: Random,
  room: RoomWriter,
  draft: EventDraft,
  stateBefore: StateMap<string>,
): Claims {
  const depth = random.percent(3) ? random.pick([0, 1, 5, MAX_DEPTH]) : undefined;
  if (!random.percent(LIE)) return { depth };
  const lie = random.pick([outdated, outdated, outdated, oneMissing, oneTooMany, oneTwice, oneRejected]);
  return { depth, authEvents: lie({ random, room, draft, honest: room.authEventsFor(draft, stateBefore) }) };
}
