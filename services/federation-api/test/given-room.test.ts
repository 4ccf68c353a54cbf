import { generateSigningKey, type JsonObject, ready } from '@ganglion/protocol';
import { FarRoom } from '@ganglion/testing';
import type { PduVerifier, VerifiedPdu } from '../src/domain/pdus/pdu-verifier.js';
import { takeGivenRoom } from '../src/domain/remote-rooms/given-room.js';

const SERVER = 'far.example';
let room: FarRoom;
beforeAll(() => ready());
beforeEach(() => {
  room = new FarRoom({ server: SERVER, keys: new Map([[SERVER, generateSigningKey('k')]]), version: '11' });
});

/** Knows the events of the room, and those of them that are forged. */
function verifier(forged: ReadonlySet<string> = new Set()): PduVerifier {
  const byText = new Map(room.writer.events.map((event) => [event.json, event]));
  const verify = async (pdus: readonly unknown[]) =>
    pdus.map((each) => {
      const found = byText.get(JSON.stringify(each))!;
      const { eventId, pdu, json } = found;
      return forged.has(eventId) ? { eventId, refusal: 'not signed' } : { eventId, pdu, json };
    });
  return { verify } as unknown as PduVerifier;
}

/** Keeps what is authorised by what was kept before, as the room server does. */
function keeper() {
  const kept: string[] = [];
  const keep = async (pdus: readonly VerifiedPdu[]) => {
    const left: VerifiedPdu[] = [];
    for (const pdu of pdus) {
      const isAuthorised = (pdu.pdu.auth_events as string[]).every((id) => kept.includes(id));
      if (isAuthorised) kept.push(pdu.eventId);
      else left.push(pdu);
    }
    return left;
  };
  return { kept, keep };
}

const pdus = (events: readonly { json: string }[]) => events.map(({ json }) => JSON.parse(json) as JsonObject);
const take = (answer: JsonObject, keep: ReturnType<typeof keeper>['keep'], forged?: ReadonlySet<string>) =>
  takeGivenRoom(answer, verifier(forged), room.roomId, room.rules, keep);

/** The room as it is answered: all of its state, and what authorises it. */
function whole() {
  const events = [...room.writer.stateAfter([room.tips[0]!]).values()].map((id) => room.find(id)!);
  return { events, state: pdus(events), auth_chain: pdus(room.authChain(events.map(({ eventId }) => eventId))) };
}

it('a room of many members is kept with all of its state, each event once', async () => {
  for (let n = 0; n < 1_800; n++) room.member(`@user${n}:${SERVER}`, 'join');
  const { events, state, auth_chain } = whole();
  const { kept, keep } = keeper();
  const { stateEventIds, size } = await take({ state, auth_chain }, keep);
  expect(stateEventIds.toSorted()).toEqual(events.map(({ eventId }) => eventId).toSorted());
  expect(new Set(kept).size).toBe(kept.length);
  expect(size).toBe(kept.length);
}, 60_000);

it('m.room.create comes first, though nothing of what authorises the rest names it', async () => {
  room = new FarRoom({ server: SERVER, keys: new Map([[SERVER, generateSigningKey('k')]]), version: '12' });
  const { state, auth_chain } = whole();
  const given: string[] = [];
  const keep = async (events: readonly VerifiedPdu[]) => {
    given.push(...events.map(({ pdu }) => pdu.type));
    return [];
  };
  await take({ state: state.toReversed(), auth_chain }, keep);
  expect(given[0]).toBe('m.room.create');
  expect(given.filter((type) => type === 'm.room.create')).toHaveLength(1);
});

it('what authorises an event may come after it', async () => {
  room.state('m.room.name', { name: 'one' });
  const { events, state } = whole();
  const { keep } = keeper();
  // Nothing of the chain is told apart, and the state the other way round.
  const { stateEventIds } = await take({ state: state.toReversed(), auth_chain: [] }, async (given) => {
    return keep(given.length > 1 ? given.toReversed() : given);
  });
  expect(stateEventIds.toSorted()).toEqual(events.map(({ eventId }) => eventId).toSorted());
});

it('an event that nobody has signed is left out, with what it authorises; an essential one is no room at all', async () => {
  const forged = room.member(`@user:${SERVER}`, 'join');
  const after = room.write({ type: 'm.room.topic', state_key: '', sender: `@user:${SERVER}`, content: {} });
  const { state, auth_chain } = whole();
  const { stateEventIds } = await take({ state, auth_chain }, keeper().keep, new Set([forged.eventId]));
  expect(stateEventIds).not.toContain(forged.eventId);
  expect(stateEventIds).not.toContain(after.eventId);
  const levels = room.writer.events.find(({ pdu }) => pdu.type === 'm.room.power_levels')!;
  const refused = take({ state, auth_chain }, keeper().keep, new Set([levels.eventId]));
  await expect(refused).rejects.toMatchObject({ status: 502 });
});

it.each<[string, (answer: { state: JsonObject[]; auth_chain: JsonObject[] }) => object]>([
  ['without m.room.create', ({ state, auth_chain }) => ({ auth_chain, state: state.slice(1) })],
  ['with something twice', ({ state, auth_chain }) => ({ auth_chain, state: [...state, state[1]!] })],
  ['without a list', ({ state }) => ({ state, auth_chain: 'all' })],
])('a room %s is none', async (_, change) => {
  const { state, auth_chain } = whole();
  await expect(take(change({ state, auth_chain }) as JsonObject, keeper().keep)).rejects.toMatchObject({ status: 502 });
});

it('nothing is kept of a room that has another version than was said', async () => {
  const { state, auth_chain } = whole();
  const { kept, keep } = keeper();
  const other = { ...room.rules, id: '10' as const };
  const taken = takeGivenRoom({ state, auth_chain }, verifier(), room.roomId, other, keep);
  await expect(taken).rejects.toMatchObject({ status: 502, message: expect.stringContaining('version') });
  expect(kept).toEqual([]);
});
