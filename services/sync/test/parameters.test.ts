import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let bob: Person;
let roomId: string;
let last: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
  [alice, bob] = ['alice', 'bob'].map((name) => deployment.person(name, replica)) as [Person, Person];
  roomId = await deployment.rooms.create(alice.userId, bob.userId);
  for (let index = 0; index < 30; index++) last = await deployment.rooms.say(roomId, bob.userId, `${index}`);
  await alice.sees(roomId, last);
});
afterAll(() => deployment.close());

const inRoom = (path: string) => `rooms/${encodeURIComponent(roomId)}/${path}`;
const ask = (path: string, query: Record<string, string>) => alice.call('GET', `${path}?${new URLSearchParams(query)}`);
const positionOf = (token: string) => Number(token.slice(1));
const FUTURE = 's999999999999999';

const NO_TOKENS = [
  ...[
    '',
    's',
    'abc',
    '17',
    's-1',
    's1.5',
    's1e5',
    's0x1',
    's1_2',
    'S1',
    ' s1',
    's1 ',
    's1\n',
    's\u0663',
    's\u0000',
    't1-2',
  ],
  ...[
    's9999999999999999',
    's1,s2',
    '%',
    `s${'1'.repeat(500)}`,
    "s1'; DROP TABLE sync.timeline; --",
    'undefined',
    'null',
  ],
];

describe('what is no token is refused', () => {
  it.each(NO_TOKENS.map((token) => [JSON.stringify(token).slice(0, 40), token]))('%s', async (_, token) => {
    const answers = await Promise.all([
      ask('sync', { since: token }),
      ask(inRoom('messages'), { dir: 'b', from: token }),
      ask(inRoom('messages'), { dir: 'f', to: token }),
      ask(inRoom('members'), { at: token }),
    ]);
    for (const { status, body } of answers) expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('and so are two at once', async () => {
    expect((await alice.call('GET', 'sync?since=s1&since=s2')).status).toBe(400);
  });
});

describe('a token that nobody handed out yet', () => {
  it.each([{}, { full_state: 'true' }, { timeout: '100' }, { timeout: '100', full_state: 'true' }])(
    'is answered with everything, and a token from now on: %j',
    async (more) => {
      const { status, body } = await ask('sync', { since: FUTURE, ...more });
      expect(status).toBe(200);
      expect(positionOf(body.next_batch)).toBeLessThanOrEqual(positionOf(alice.since!));
      const { timeline, state } = body.rooms.join[roomId];
      expect(timeline.events.at(-1).event_id).toBe(last);
      expect([...state.events, ...timeline.events].map(({ type }) => type)).toContain('m.room.create');
      alice.since = body.next_batch;
      const next = await deployment.rooms.say(roomId, bob.userId, 'After all');
      expect((await alice.sees(roomId, next)).timeline.events.map(({ event_id }) => event_id)).toEqual([next]);
      last = next;
    },
  );

  it('shows nothing that others would not show', async () => {
    for (const dir of ['b', 'f']) {
      const { body } = await ask(inRoom('messages'), { dir, from: FUTURE, limit: '1000' });
      expect(body.chunk.length > 0).toBe(dir === 'b');
    }
    expect((await ask(inRoom('members'), { at: FUTURE })).body.chunk).toHaveLength(2);
  });
});

describe('the first token of all', () => {
  it('brings everything, as to who comes for the first time', async () => {
    const { body } = await ask('sync', { since: 's0' });
    const room = body.rooms.join[roomId];
    expect(room.timeline.events.at(-1)).toBeDefined();
    const state = [...room.state.events, ...room.timeline.events].filter(({ state_key }) => state_key !== undefined);
    expect(state.map(({ type }) => type).sort()).toEqual(['m.room.create', 'm.room.member', 'm.room.member']);
  });
});

describe('full_state', () => {
  it('brings the whole state of every room, and of the timeline what is new', async () => {
    const quiet = await deployment.rooms.create(alice.userId);
    const named = { type: 'm.room.name', stateKey: '', sender: alice.userId, content: { name: 'Ours' } };
    const name = await deployment.rooms.send(roomId, named);
    await alice.sees(roomId, name);
    const next = await deployment.rooms.say(roomId, bob.userId, 'New');
    const { since } = alice;
    await alice.sees(roomId, next);
    alice.since = since;
    const { rooms } = await alice.sync({ fullState: true });
    expect(rooms.join[roomId].timeline.events.map(({ event_id }: { event_id: string }) => event_id)).toEqual([next]);
    const types = (id: string) => rooms.join[id].state.events.map(({ type }: { type: string }) => type).sort();
    expect(types(roomId)).toEqual(['m.room.create', 'm.room.member', 'm.room.member', 'm.room.name']);
    expect(types(quiet)).toEqual(['m.room.create', 'm.room.member']);
    expect(rooms.join[quiet].timeline.events).toEqual([]);
  });

  it('is answered at once, also when nothing is new and there is time', async () => {
    const began = performance.now();
    const { rooms } = await alice.sync({ fullState: true, timeout: 30_000 });
    expect(Object.keys(rooms.join)).toContain(roomId);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe('other parameters', () => {
  it.each([
    ['sync', { set_presence: 'online' }],
    ['sync', { set_presence: 'offline' }],
    ['sync', { set_presence: 'unavailable' }],
    ['sync', { full_state: 'false', 'org.example.unknown': 'x' }],
    ['messages', { limit: '0' }],
    ['messages', { limit: '999999999' }],
  ])('%s takes %j', async (path, query) => {
    const { status } = await ask(path === 'sync' ? path : inRoom(path), { dir: 'b', ...query } as never);
    expect(status).toBe(200);
  });

  it.each([
    ['sync', { set_presence: 'busy' }],
    ['sync', { full_state: 'maybe' }],
    ['sync', { use_state_after: '1' }],
    ['sync', { timeout: '-1' }],
    ['sync', { timeout: 'soon' }],
    ['sync', { timeout: '1.5' }],
    ['messages', { dir: 'x' }],
    ['messages', { limit: '-1' }],
    ['messages', { limit: 'many' }],
    ['members', { membership: 'friend' }],
    ['members', { not_membership: '' }],
  ])('%s refuses %j', async (path, query) => {
    const { status, body } = await ask(path === 'sync' ? path : inRoom(path), query as never);
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('a page has no more than a thousand events, and one of none leads on', async () => {
    const { body } = await ask(inRoom('messages'), { dir: 'b', limit: '0' });
    expect(body.chunk).toEqual([]);
    const next = await ask(inRoom('messages'), { dir: 'b', limit: '1', from: body.end });
    expect(next.body.chunk).toHaveLength(1);
  });
});
