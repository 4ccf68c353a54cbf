import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

interface StateEvent {
  readonly event_id: string;
  readonly type: string;
  readonly state_key?: string;
  readonly content: { readonly membership?: string; readonly displayname?: string };
}

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let bob: Person;
let carol: Person;
let dave: Person;
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
});
afterAll(() => deployment.close());

beforeEach(async () => {
  const names = ['alice', 'bob', 'carol', 'dave'];
  [alice, bob, carol, dave] = names.map((name) => deployment.person(name, replica)) as [Person, Person, Person, Person];
  roomId = await deployment.rooms.create(...[alice, bob, carol, dave].map(({ userId }) => userId));
  // With a name it needs no heroes, of whom everybody is told.
  await state('m.room.name', { name: 'Ours' });
});

const state = (type: string, content: object, stateKey = '', sender = alice.userId) =>
  deployment.rooms.send(roomId, { type, stateKey, sender, content });

const say = (count: number) => {
  const event: NewEvent = { type: 'm.room.message', sender: alice.userId, content: { body: 'Hello' } };
  return deployment.rooms.commit(roomId, Array(count).fill(event));
};

async function messages(person: Person, query: Record<string, string>) {
  const path = `rooms/${encodeURIComponent(roomId)}/messages?${new URLSearchParams(query)}`;
  const { status, body } = await person.call('GET', path);
  expect(status).toBe(200);
  return body;
}

describe.each([
  ['memory', 5],
  ['the database', 100],
])('with lazy loading, a gap in the timeline, read from %s', (_, size) => {
  const LAZY = { room: { state: { lazy_load_members: true }, timeline: { limit: 2 } } };

  it.each([
    ['state', false, false],
    ['state_after', true, false],
    ['state, where all of it is asked for', false, true],
  ])('brings every membership that changed in it: %s', async (_name, stateAfter, fullState) => {
    await bob.sees(roomId, (await say(1)).at(-1)!);
    const reader = bob.with({});
    await reader.sync({ filter: LAZY, stateAfter });
    await state('m.room.member', { membership: 'leave' }, carol.userId, carol.userId);
    await state('m.room.member', { membership: 'join', displayname: 'David' }, dave.userId, dave.userId);
    const erin = '@erin:one.test';
    await state('m.room.member', { membership: 'join' }, erin, erin);
    const last = (await say(size)).at(-1)!;
    await alice.sees(roomId, last);
    const { rooms } = await reader.sync({ filter: LAZY, stateAfter, fullState });
    const room = rooms.join[roomId];
    expect(room.timeline.limited).toBe(true);
    const told = (room[stateAfter ? 'state_after' : 'state'].events as StateEvent[]).flatMap(
      ({ type, state_key, content }) =>
        type === 'm.room.member' && state_key !== alice.userId && state_key !== bob.userId
          ? [[state_key, content.displayname ?? content.membership]]
          : [],
    );
    expect(new Map(told as [string, string][])).toEqual(
      new Map([
        [carol.userId, 'leave'],
        [dave.userId, 'David'],
        [erin, 'join'],
      ]),
    );
    expect(told).toHaveLength(3);
  });

  it('brings nobody who did not change', async () => {
    await bob.sees(roomId, (await say(1)).at(-1)!);
    await bob.sync({ filter: LAZY });
    await state('m.room.member', { membership: 'leave' }, carol.userId, carol.userId);
    const last = (await say(size)).at(-1)!;
    const room = await bob.roomUntil(roomId, ({ timeline }) => timeline.events.at(-1)?.event_id === last, {
      filter: LAZY,
    });
    const { events } = (room as unknown as { state: { events: StateEvent[] } }).state;
    expect(events.map(({ state_key }) => state_key)).not.toContain(dave.userId);
  });
});

describe('who comes back to a room whose members alone may read it', () => {
  it('is told of who came meanwhile in the timeline, and of what was said not at all', async () => {
    await state('m.room.history_visibility', { history_visibility: 'joined' });
    await bob.sees(roomId, (await say(1)).at(-1)!);
    const left = await state('m.room.member', { membership: 'leave' }, bob.userId, bob.userId);
    await alice.sees(roomId, left);
    await bob.sync();
    const [erin, frank] = ['@erin:one.test', '@frank:one.test'];
    await state('m.room.member', { membership: 'join' }, frank, frank);
    await state('m.room.member', { membership: 'leave' }, frank, frank);
    const secret = (await say(1))[0]!;
    const came = await state('m.room.member', { membership: 'join' }, erin, erin);
    const back = await state('m.room.member', { membership: 'join' }, bob.userId, bob.userId);
    await alice.sees(roomId, back);
    const { rooms } = await bob.sync();
    const { timeline, state: before } = rooms.join[roomId];
    const ids = timeline.events.map(({ event_id }: StateEvent) => event_id);
    expect(ids.slice(-2)).toEqual([came, back]);
    expect(ids).not.toContain(secret);
    expect(timeline.limited).toBe(true);
    expect(before.events.map(({ event_id }: StateEvent) => event_id)).not.toContain(came);
    const ofFrank = [...before.events, ...timeline.events].filter(({ state_key }: StateEvent) => state_key === frank);
    expect(ofFrank.at(-1)?.content.membership).toBe('leave');
    expect((await messages(bob, { dir: 'b', limit: '100' })).chunk).not.toContainEqual(
      expect.objectContaining({ event_id: secret }),
    );
  });
});

describe('an event that joins forks', () => {
  it('is shown to nobody', async () => {
    const before = (await say(1))[0]!;
    const dummy = await deployment.rooms.send(roomId, {
      ...{ type: 'org.matrix.dummy_event', sender: alice.userId, content: {} },
    });
    const after = (await say(1))[0]!;
    const room = await bob.sees(roomId, after);
    const shown = [
      room.timeline.events,
      (await bob.with({}).sync()).rooms.join[roomId].timeline.events,
      (await messages(bob, { dir: 'b', limit: '100' })).chunk,
      (await messages(bob, { dir: 'f', limit: '100' })).chunk,
    ].map((events) => events.map(({ event_id }: StateEvent) => event_id));
    for (const ids of shown) expect([ids.includes(dummy), ids.includes(after)]).toEqual([false, true]);
    const inRoom = `rooms/${encodeURIComponent(roomId)}`;
    const context = await bob.call('GET', `${inRoom}/context/${encodeURIComponent(before)}?limit=10`);
    expect(context.body.events_after.map(({ event_id }: StateEvent) => event_id)).toEqual([after]);
    for (const kind of ['event', 'context']) {
      const { status, body } = await bob.call('GET', `${inRoom}/${kind}/${encodeURIComponent(dummy)}`);
      expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
    }
  });
});

describe('/messages at the live end', () => {
  it('goes on with what comes later, also after a page with nothing on it', async () => {
    await bob.sees(roomId, (await say(3)).at(-1)!);
    const all = await messages(bob, { dir: 'f', limit: '100' });
    expect(all.end).toEqual(expect.any(String));
    const nothing = await messages(bob, { dir: 'f', from: all.end });
    expect([nothing.chunk, nothing.end]).toEqual([[], all.end]);
    const later = await say(2);
    await bob.sees(roomId, later.at(-1)!);
    const page = await messages(bob, { dir: 'f', from: nothing.end });
    expect(page.chunk.map(({ event_id }: StateEvent) => event_id)).toEqual(later);
    expect((await messages(bob, { dir: 'f', from: page.end })).chunk).toEqual([]);
  });

  it('ends for who has left the room', async () => {
    const left = await state('m.room.member', { membership: 'leave' }, bob.userId, bob.userId);
    await alice.sees(roomId, left);
    const all = await messages(bob, { dir: 'f', limit: '100' });
    expect(all.chunk.at(-1).event_id).toBe(left);
    expect(all.end).toBeUndefined();
  });
});
