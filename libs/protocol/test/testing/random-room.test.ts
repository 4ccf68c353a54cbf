import {
  authEventIds,
  examinePdu,
  generateSigningKey,
  type RoomEvent,
  type RoomVersionId,
  ready,
  roomVersionRules,
  type StateMap,
  stateTuple,
  verifyEventSignatures,
} from '../../src/index.js';
import { type RandomEvent, type RandomRoom, randomRoom } from '../../src/testing/index.js';
import { Reference } from '../state/reference.js';
import { EVERY_VERSION } from '../support/rules.js';

const SEEDS = [1, 2, 3, 4];

beforeAll(ready);

const made = new Map<RoomVersionId, RandomRoom[]>();

function roomsOf(version: RoomVersionId): RandomRoom[] {
  const rooms = made.get(version) ?? SEEDS.map((seed) => randomRoom({ seed, version }));
  made.set(version, rooms);
  return rooms;
}

function keyLookup({ keys }: RandomRoom) {
  return (server: string, keyId: string) => {
    const key = keys.get(server);
    return key?.keyId === keyId ? { publicKey: key.publicKey, validUntilTs: Number.MAX_SAFE_INTEGER } : undefined;
  };
}

function asObject(state: StateMap<string>): Record<string, string> {
  return Object.fromEntries([...state].sort());
}

describe.each(EVERY_VERSION)('a random room of version %s', (version, rules) => {
  it('is of events that are taken as they are by who gets them', () => {
    for (const room of roomsOf(version)) {
      for (const { json, eventId, pdu, prevs } of room.events) {
        const examined = examinePdu(json, rules);
        expect(examined).toMatchObject({ eventId, pdu, roomId: room.roomId, hashOk: true });
        const signed = verifyEventSignatures(pdu, rules, keyLookup(room), examined.essential);
        expect(signed).toEqual({ signed: true });
        expect(pdu.prev_events.map((each) => (typeof each === 'string' ? each : each[0]))).toEqual(prevs);
      }
    }
  });

  it('has each event after those that it follows and those that authorise it', () => {
    for (const { events } of roomsOf(version)) {
      const seen = new Set<string>();
      for (const { eventId, pdu, prevs } of events) {
        expect([...prevs, ...authEventIds(pdu)].filter((before) => !seen.has(before))).toEqual([]);
        seen.add(eventId);
      }
      expect(seen.size).toBe(events.length);
    }
  });

  it('has the event itself in the state after it, unless it was rejected or is no state', () => {
    for (const { events } of roomsOf(version)) {
      for (const { eventId, pdu, rejected, stateBefore, stateAfter } of events) {
        const expected = new Map(stateBefore);
        if (!rejected && pdu.state_key !== undefined) expected.set(stateTuple(pdu.type, pdu.state_key), eventId);
        expect(asObject(stateAfter)).toEqual(asObject(expected));
      }
    }
  });

  it('has no rejected event in any state, and none among the forward extremities', () => {
    for (const { events } of roomsOf(version)) {
      const rejected = new Set(events.filter((event) => event.rejected).map(({ eventId }) => eventId));
      for (const { stateAfter, currentState, extremities } of events) {
        const accepted = [...stateAfter.values(), ...currentState.values(), ...extremities];
        expect(accepted.filter((id) => rejected.has(id))).toEqual([]);
      }
    }
  });

  it('has for forward extremities the accepted events that nothing accepted comes after', () => {
    for (const { events } of roomsOf(version)) {
      const byId = new Map(events.map((event) => [event.eventId, event]));
      for (const [index, { extremities }] of events.entries()) {
        const accepted = events.slice(0, index + 1).filter((event) => !event.rejected && !event.softFailed);
        const before = new Set(accepted.flatMap(({ prevs }) => prevs));
        for (const id of before) for (const further of byId.get(id)!.prevs) before.add(further);
        const expected = accepted.map(({ eventId }) => eventId).filter((id) => !before.has(id));
        expect([...extremities].sort()).toEqual(expected.sort());
      }
    }
  });

  it('is the same for the same seed, begins as the shorter one does, and is another for another seed', () => {
    const [first, other] = roomsOf(version);
    expect(randomRoom({ seed: SEEDS[0]!, version, length: 20 }).events).toEqual(first!.events.slice(0, 20));
    expect(other!.roomId).not.toBe(first!.roomId);
  });
});

describe.each(EVERY_VERSION.slice(1))('a random room of version %s', (version, rules) => {
  it('has the states that the specification says, sentence by sentence', () => {
    for (const room of roomsOf(version)) {
      const reference = new Reference({ event: lookIn(room) }, rules);
      const after = new Map(room.events.map(({ eventId, stateAfter }) => [eventId, stateAfter]));
      for (const { prevs, stateBefore, extremities, currentState } of room.events) {
        const resolved = (ids: readonly string[]) => asObject(reference.resolve(ids.map((id) => after.get(id)!)));
        expect(asObject(stateBefore)).toEqual(resolved(prevs));
        expect(asObject(currentState)).toEqual(resolved(extremities));
      }
    }
  });
});

function lookIn({ events, roomId }: RandomRoom): (eventId: string) => RoomEvent | undefined {
  const byId = new Map(
    events.map(({ eventId, pdu, rejected }) => [eventId, { eventId, roomId, pdu, rejected }] as const),
  );
  return (eventId) => byId.get(eventId);
}

const isMember = (event: RandomEvent, membership: string) => event.pdu.content.membership === membership;
const isOf = (event: RandomEvent, type: string) => event.pdu.type === type;
const allows = (event: RandomEvent) => !event.rejected;

/** What must be found in random rooms, and from which version on. */
const KINDS: readonly (readonly [kind: string, from: number, is: (event: RandomEvent, room: RandomRoom) => boolean])[] =
  [
    ['a merge', 1, ({ prevs }) => prevs.length > 1],
    ['several forward extremities', 1, ({ extremities }) => extremities.length > 2],
    ['a ban', 1, (event) => allows(event) && isMember(event, 'ban')],
    ['an invite', 1, (event) => allows(event) && isMember(event, 'invite')],
    ['a kick', 1, (event) => allows(event) && isMember(event, 'leave') && event.pdu.sender !== event.pdu.state_key],
    ['a change of power', 1, (event) => allows(event) && isOf(event, 'm.room.power_levels')],
    ['a refused change of power', 1, (event) => event.rejected && isOf(event, 'm.room.power_levels')],
    ['a redaction', 1, (event) => allows(event) && isOf(event, 'm.room.redaction')],
    ['a message', 1, (event) => allows(event) && isOf(event, 'm.room.message')],
    ['a message of somebody who is not in the room', 1, (event) => event.rejected && isOf(event, 'm.room.message')],
    ['an event that evades what happened', 1, (event) => event.softFailed],
    [
      'an event after a rejected one',
      1,
      ({ prevs }, { events }) => events.some((e) => e.rejected && prevs.includes(e.eventId)),
    ],
    [
      'an event that a rejected one authorises',
      1,
      ({ pdu }, { events }) => events.some((e) => e.rejected && authEventIds(pdu).includes(e.eventId)),
    ],
    ['an event that claims a great depth', 1, ({ pdu }) => pdu.depth === Number.MAX_SAFE_INTEGER],
    ['a knock', 7, (event) => allows(event) && isMember(event, 'knock')],
    [
      'a restricted join',
      8,
      (event) => allows(event) && event.pdu.content.join_authorised_via_users_server !== undefined,
    ],
  ];

describe.each(EVERY_VERSION)('random rooms of version %s', (version) => {
  const rooms: RandomRoom[] = [];

  beforeAll(() => {
    for (let seed = 100; seed < 120; seed++) rooms.push(randomRoom({ seed, version }));
  });

  it.each(KINDS.filter(([_kind, from]) => Number(version) >= from))('have %s', (_kind, _from, is) => {
    expect(rooms.some((room) => room.events.some((event) => is(event, room)))).toBe(true);
  });

  it('have people who go on: most events are accepted, also late in the room', () => {
    const late = rooms.flatMap(({ events }) => events.slice(40));
    expect(late.filter(({ rejected }) => !rejected).length).toBeGreaterThan(late.length * 0.6);
  });
});

it('is signed by the servers that a test has keys of', () => {
  const keys = new Map(['one.example', 'two.example'].map((name) => [name, generateSigningKey('x')]));
  const room = randomRoom({ seed: 1, version: '11', length: 30, keys });
  expect(new Set(room.users.map((user) => user.slice(user.indexOf(':') + 1)))).toEqual(new Set(keys.keys()));
  for (const { pdu } of room.events) {
    expect(verifyEventSignatures(pdu, roomVersionRules('11')!, keyLookup(room))).toEqual({ signed: true });
  }
});
