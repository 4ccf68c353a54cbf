import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

interface RoomEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key?: string;
  readonly content: { readonly body?: string; readonly membership?: string };
}

interface Events {
  readonly events: readonly RoomEvent[];
}

interface Room {
  readonly timeline: Events & { readonly limited: boolean };
  readonly state: Events;
  readonly account_data: Events;
  readonly ephemeral: Events;
}

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let bob: Person;
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
});
afterAll(() => deployment.close());

beforeEach(async () => {
  [alice, bob] = ['alice', 'bob'].map((name) => deployment.person(name, replica)) as [Person, Person];
  roomId = await deployment.rooms.create(alice.userId, bob.userId);
});

const path = (...parts: string[]) => parts.map(encodeURIComponent).join('/');
const types = ({ events }: Events) => events.map(({ type }) => type.replace('m.room.', ''));
const bodies = ({ events }: Events) => events.map(({ content }) => content.body);

async function initial(filter: object | string, id = roomId): Promise<Room> {
  const { rooms } = await alice.with({}).sync({ filter });
  return rooms.join[id];
}

const setAccountData = (type: string, content: object, room = '') =>
  deployment.users.putAccountData({
    ...{ userId: alice.userId, roomId: room, type, contentJson: JSON.stringify(content), expectedSeq: 0 },
  });

describe('which rooms', () => {
  it('are those that rooms and not_rooms leave, of all kinds', async () => {
    const other = await deployment.rooms.create(alice.userId);
    const invited = await deployment.rooms.create(bob.userId);
    await deployment.rooms.setMembership(invited, alice.userId, 'invite', bob.userId);
    const ids = async (room: object) => {
      const { rooms } = await alice.with({}).sync({ filter: { room } });
      return [...Object.keys(rooms.join), ...Object.keys(rooms.invite ?? {})].sort();
    };
    expect(await ids({})).toEqual([roomId, other, invited].sort());
    expect(await ids({ rooms: [roomId, invited] })).toEqual([roomId, invited].sort());
    expect(await ids({ not_rooms: [roomId, invited] })).toEqual([other]);
    expect(await ids({ rooms: [roomId, other], not_rooms: [other] })).toEqual([roomId]);
    expect(await ids({ rooms: [] })).toEqual([]);
  });

  it.each([{ rooms: [] }, { not_rooms: 'this' }] as const)('of each part are those of its own %j', async (choice) => {
    const none = 'rooms' in choice ? choice : { not_rooms: [roomId] };
    await deployment.rooms.say(roomId, bob.userId, 'Hello');
    await setAccountData('m.tag', { tags: {} }, roomId);
    await bob.types(roomId, true);
    await alice.roomUntil(roomId, ({ ephemeral }) => ephemeral.events.length > 0);
    expect((await initial({ room: { timeline: none } })).timeline.events).toEqual([]);
    expect((await initial({ room: { state: none, timeline: { limit: 1 } } })).state.events).toEqual([]);
    expect((await initial({ room: { account_data: none } })).account_data.events).toEqual([]);
    expect((await initial({ room: { ephemeral: none } })).ephemeral.events).toEqual([]);
    const all = await initial({ room: { timeline: { limit: 1 } } });
    for (const part of [all.timeline, all.state, all.account_data, all.ephemeral]) expect(part.events).not.toEqual([]);
  });

  it('do not wake who waits for others only', async () => {
    const other = await deployment.rooms.create(alice.userId);
    await alice.sync();
    const waiting = alice.sync({ timeout: 10_000, filter: { room: { rooms: [other] } } });
    await deployment.rooms.say(roomId, bob.userId, 'Not for you');
    await deployment.rooms.say(other, alice.userId, 'For you');
    const { rooms } = await waiting;
    expect(Object.keys(rooms.join)).toEqual([other]);
  });
});

describe('which events', () => {
  beforeEach(async () => {
    await deployment.rooms.say(roomId, alice.userId, 'One');
    await deployment.rooms.say(roomId, bob.userId, 'Two', { url: 'mxc://one.test/picture' });
    await deployment.rooms.send(roomId, { type: 'm.sticker', sender: bob.userId, content: { body: 'Three', url: '' } });
  });

  const CHOICES: [string, () => object, string[]][] = [
    ['types', () => ({ types: ['m.room.message'] }), ['One', 'Two']],
    ['types with a wildcard', () => ({ types: ['m.st*er'] }), ['Three']],
    ['not_types', () => ({ not_types: ['m.room.*'] }), ['Three']],
    ['senders', () => ({ senders: [bob.userId], types: ['m.room.message', 'm.sticker'] }), ['Two', 'Three']],
    ['not_senders', () => ({ not_senders: [bob.userId], types: ['m.room.message'] }), ['One']],
    ['contains_url', () => ({ contains_url: true }), ['Two', 'Three']],
    ['no contains_url', () => ({ contains_url: false, types: ['m.room.message'] }), ['One']],
    ['a limit', () => ({ limit: 2 }), ['Two', 'Three']],
    ['a limit of none', () => ({ limit: 0 }), []],
    ['no types at all', () => ({ types: [] }), []],
  ];

  it.each(CHOICES)('of the timeline: %s, given inline or by id', async (_, filterOf, expected) => {
    const filter = { room: { timeline: filterOf() } };
    expect(bodies((await initial(filter)).timeline)).toEqual(expected);
    expect(bodies((await initial(deployment.users.define(alice.userId, filter))).timeline)).toEqual(expected);
  });

  it.each(CHOICES)('of /messages: %s', async (_, filterOf, expected) => {
    await alice.sync();
    const query = new URLSearchParams({ dir: 'b', filter: JSON.stringify(filterOf()) });
    const { status, body } = await alice.call('GET', `${path('rooms', roomId, 'messages')}?${query}`);
    expect([status, bodies({ events: body.chunk }).reverse()]).toEqual([200, expected]);
  });

  it('of the state', async () => {
    const named = { type: 'm.room.name', stateKey: '', sender: alice.userId, content: { name: 'Ours' } };
    await deployment.rooms.send(roomId, named);
    await deployment.rooms.say(roomId, alice.userId, 'Last');
    const stateOf = async (state: object) =>
      types((await initial({ room: { state, timeline: { limit: 1 } } })).state).sort();
    expect(await stateOf({ limit: 1 })).toEqual(['create', 'member', 'member', 'name']);
    expect(await stateOf({ limit: 0 })).toEqual([]);
    expect(await stateOf({ types: ['m.room.name', 'm.room.create'] })).toEqual(['create', 'name']);
    expect(await stateOf({ not_types: ['m.room.member'] })).toEqual(['create', 'name']);
    expect(await stateOf({ senders: [bob.userId] })).toEqual(['member']);
    expect(await stateOf({ contains_url: true })).toEqual([]);
  });

  it('of account data, and of what does not last', async () => {
    await setAccountData('m.tag', { url: 'x' }, roomId);
    await setAccountData('m.direct', { [bob.userId]: [roomId] });
    await setAccountData('org.example', { is: 'set' });
    await bob.types(roomId, true);
    await alice.roomUntil(roomId, ({ ephemeral }) => ephemeral.events.length > 0);
    const global = async (filter: object) => types((await alice.with({}).sync({ filter })).account_data);
    expect(await global({ account_data: { types: ['m.direct'] } })).toEqual(['m.direct']);
    expect((await global({ account_data: { not_types: ['m.direct'] } })).sort()).toEqual([
      'm.push_rules',
      'org.example',
    ]);
    for (const none of [{ types: [] }, { limit: 0 }, { senders: [bob.userId] }]) {
      expect(await global({ account_data: none })).toEqual([]);
      const room = await initial({ room: { account_data: none, ephemeral: none } });
      expect([room.account_data.events, room.ephemeral.events]).toEqual([[], []]);
    }
    expect(types((await initial({ room: { account_data: { contains_url: true } } })).account_data)).toEqual(['m.tag']);
    expect((await initial({ room: { account_data: { contains_url: false } } })).account_data.events).toEqual([]);
    expect(types((await initial({ room: { ephemeral: { types: ['m.typing'] } } })).ephemeral)).toEqual(['m.typing']);
    expect((await initial({ room: { ephemeral: { not_types: ['m.typing'] } } })).ephemeral.events).toEqual([]);
  });

  it('of what surrounds another, but never that one itself', async () => {
    const eventId = await deployment.rooms.say(roomId, alice.userId, 'Here');
    const after = await deployment.rooms.say(roomId, bob.userId, 'After');
    await alice.sees(roomId, after);
    const context = async (filter: object) => {
      const query = new URLSearchParams({ limit: '10', filter: JSON.stringify(filter) });
      return (await alice.call('GET', `${path('rooms', roomId, 'context', eventId)}?${query}`)).body;
    };
    const bobs = await context({ senders: [bob.userId] });
    expect(bobs.event.content.body).toBe('Here');
    expect(bodies({ events: bobs.events_before })).toEqual(['Three', 'Two', undefined]);
    expect(bodies({ events: bobs.events_after })).toEqual(['After']);
    expect(bobs.state.map(({ state_key }: RoomEvent) => state_key)).toEqual([bob.userId]);
    const none = await context({ not_rooms: [roomId] });
    expect([none.events_before, none.events_after, none.state]).toEqual([[], [], []]);
    const one = await context({ limit: 1 });
    expect([...one.events_before, ...one.events_after]).toHaveLength(1);
  });
});

describe('members that are loaded lazily', () => {
  const LAZY = { lazy_load_members: true };

  it('come with who says something, once, unless they are asked for again and again', async () => {
    const carol = deployment.person('carol', replica);
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    for (let index = 0; index < 4; index++) await deployment.rooms.say(roomId, alice.userId, 'Hello');
    const members = ({ state }: Room) =>
      state.events.filter(({ type }) => type === 'm.room.member').map(({ state_key }) => state_key);
    const redundant = { ...LAZY, include_redundant_members: true };
    const filter = { room: { state: LAZY, timeline: { limit: 1 } } };
    const again = { room: { state: redundant, timeline: { limit: 1 } } };
    await alice.sync({ filter });
    const told = async (text: string, by: object) => {
      const eventId = await deployment.rooms.say(roomId, carol.userId, text);
      return alice.roomUntil(roomId, ({ timeline }) => timeline.events.at(-1)?.event_id === eventId, { filter: by });
    };
    expect(members((await told('First', filter)) as Room)).toEqual([]);
    expect(members((await told('Second', again)) as Room)).toContain(carol.userId);
    expect(members((await told('Third', filter)) as Room)).not.toContain(carol.userId);
  });
});

describe('the format', () => {
  const SIGNED = ['auth_events', 'depth', 'hashes', 'prev_events', 'signatures'];

  it('of clients has nothing of what servers tell each other', async () => {
    const room = await initial({ event_format: 'client' });
    for (const event of [...room.timeline.events, ...room.state.events]) {
      expect(Object.keys(event).filter((key) => [...SIGNED, 'room_id'].includes(key))).toEqual([]);
    }
  });

  it.each(['state', 'state_after'])('of servers has all that was signed, with %s', async (key) => {
    const eventId = await deployment.rooms.say(roomId, bob.userId, 'Hello');
    const filter = { event_format: 'federation', room: { timeline: { limit: 1 } } };
    const query = new URLSearchParams({ filter: JSON.stringify(filter), use_state_after: String(key !== 'state') });
    const room = (await alice.call('GET', `sync?${query}`)).body.rooms.join[roomId];
    const [said] = room.timeline.events;
    expect(said).toMatchObject({ event_id: eventId, room_id: roomId, sender: bob.userId, content: { body: 'Hello' } });
    expect(said.unsigned).toMatchObject({ age: expect.any(Number), membership: 'join' });
    expect(room[key].events.length).toBeGreaterThan(2);
    for (const event of [said, ...room[key].events])
      expect(event).toMatchObject(Object.fromEntries(SIGNED.map((name) => [name, expect.anything()])));
  });

  it('is one of the two', async () => {
    const query = new URLSearchParams({ filter: JSON.stringify({ event_format: 'cbor' }) });
    expect((await alice.call('GET', `sync?${query}`)).body.errcode).toBe('M_INVALID_PARAM');
  });
});

describe('the fields of events', () => {
  it('are those that the filter names', async () => {
    await deployment.rooms.say(roomId, bob.userId, 'Hello', { 'a.b': 1, other: 2 });
    const fields = ['type', 'content.body', 'content.a\\.b', 'content.membership', 'unsigned.age', 'nothing.here'];
    const room = await initial({ event_fields: fields, room: { timeline: { limit: 1 } } });
    expect(room.timeline.events).toEqual([
      { type: 'm.room.message', content: { body: 'Hello', 'a.b': 1 }, unsigned: { age: expect.any(Number) } },
    ]);
    expect(room.state.events).toContainEqual({
      ...{ type: 'm.room.member', content: { membership: 'join' }, unsigned: { age: expect.any(Number) } },
    });
  });

  it('can be those of the format of servers, and leave what is no event of the room whole', async () => {
    await setAccountData('m.tag', { tags: {} }, roomId);
    await bob.types(roomId, true);
    await alice.roomUntil(roomId, ({ ephemeral }) => ephemeral.events.length > 0);
    const filter = { event_fields: ['depth'], event_format: 'federation', room: { timeline: { limit: 2 } } };
    const room = await initial(filter);
    expect(room.timeline.events).toEqual([{ depth: 2 }, { depth: 3 }]);
    expect(room.account_data.events).toEqual([{ type: 'm.tag', content: { tags: {} } }]);
    expect(room.ephemeral.events).toEqual([{ type: 'm.typing', content: { user_ids: [bob.userId] } }]);
  });

  it('survive names that mean something to objects', async () => {
    const room = await initial({ event_fields: ['__proto__.polluted', 'constructor', 'content.__proto__', 'type'] });
    for (const event of room.timeline.events) expect(Object.keys(event)).toEqual(expect.arrayContaining(['type']));
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('what is no filter is refused', () => {
  const deep = (depth: number) => `{"room":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  const HOSTILE = [
    ...['{', '{}}', '{"room":', 'nothing', ' ', '7', '[]', 'null', '"x"', '../../etc', '\u0000', '%00'],
    ...['{"room":[]}', '{"room":{"timeline":{"limit":-1}}}', '{"room":{"timeline":{"limit":"5"}}}'],
    ...['{"room":{"timeline":{"limit":1.5}}}', '{"room":{"timeline":{"limit":1e99}}}', '{"room":{"rooms":"!a"}}'],
    ...['{"room":{"rooms":["a"]}}', '{"room":{"state":{"senders":["bob"]}}}', '{"room":{"include_leave":"yes"}}'],
    ...['{"room":{"state":{"lazy_load_members":1}}}', '{"event_fields":"type"}', '{"event_fields":[1]}'],
    ...['{"presence":{"types":[{}]}}', '{"account_data":7}', '{"room":{"timeline":{"types":[null]}}}'],
    `{"event_fields":["${'a'.repeat(300)}"]}`,
    `{"room":{"timeline":{"types":[${'"a",'.repeat(1_001)}"a"]}}}`,
    deep(2_000),
  ];

  it.each(HOSTILE.map((filter) => [JSON.stringify(filter.slice(0, 60)), filter]))('in /sync: %s', async (_, filter) => {
    const { status, body } = await alice.call('GET', `sync?${new URLSearchParams({ filter })}`);
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });

  it.each(['{', 'id', '[]', 'null', '{"limit":-1}', '{"rooms":"x"}', '{"contains_url":1}'])(
    'in /messages and /context: %s',
    async (filter) => {
      const eventId = await deployment.rooms.say(roomId, alice.userId, 'Hello');
      await alice.sees(roomId, eventId);
      for (const ask of [path('rooms', roomId, 'messages'), path('rooms', roomId, 'context', eventId)]) {
        const { status, body } = await alice.call('GET', `${ask}?${new URLSearchParams({ dir: 'b', filter })}`);
        expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
      }
    },
  );

  it("and another's filter is not one's own", async () => {
    const filter = deployment.users.define(bob.userId, {});
    const { status, body } = await alice.call('GET', `sync?${new URLSearchParams({ filter })}`);
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('but what a later version may bring is not', async () => {
    const later = {
      'org.example': [1],
      room: { timeline: { new: {} }, presence: { limit: 0 } },
      presence: { limit: 0 },
    };
    expect((await initial(later)).timeline.events).not.toEqual([]);
  });
});
