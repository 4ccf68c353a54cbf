import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, exchange, inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
let roomId: string;
let alias: string;
let counter = 0;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start({
    server_names: [
      { name: 'one.test', client_base_url: 'https://matrix.one.test' },
      { name: 'two.test', client_base_url: 'https://matrix.two.test' },
    ],
  });
  [alice, bob] = await Promise.all([Person.register(replica.url, 'alice'), Person.register(replica.url, 'bob')]);
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  counter += 1;
  alias = `#alias-${counter}:one.test`;
  roomId = await alice.createRoom({ preset: 'public_chat', name: `Room ${counter}` });
});

const refusal = ({ status, body }: Answer) => [status, body.errcode];
const ofAlias = (name = alias) => `directory/room/${encodeURIComponent(name)}`;
const put = (person: Person, name = alias) => person.put(ofAlias(name), { room_id: roomId });

describe('an alias', () => {
  it('is given by who is in the room, once', async () => {
    expect(refusal(await put(bob))).toEqual([403, 'M_FORBIDDEN']);
    await bob.must('POST', `${inRoom(roomId)}/join`);
    expect((await put(bob)).status).toBe(200);
    expect(refusal(await put(alice))).toEqual([409, 'M_UNKNOWN']);
    expect(await bob.must('GET', `${inRoom(roomId)}/aliases`)).toEqual({ aliases: [alias] });
    await bob.must('POST', `${inRoom(roomId)}/leave`);
    expect(refusal(await put(bob, `#other-${counter}:one.test`))).toEqual([403, 'M_FORBIDDEN']);
  });

  it('is one of ours, and leads somewhere', async () => {
    expect(refusal(await put(alice, '#alias:elsewhere.test'))).toEqual([400, 'M_INVALID_PARAM']);
    expect(refusal(await put(alice, 'alias'))).toEqual([400, 'M_INVALID_PARAM']);
    expect(refusal(await put(alice, `#${'x'.repeat(300)}:one.test`))).toEqual([400, 'M_INVALID_PARAM']);
    const nowhere = await alice.put(ofAlias(), { room_id: '!nothing:one.test' });
    expect(refusal(nowhere)).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await alice.put(ofAlias(), {}))).toEqual([400, 'M_BAD_JSON']);
    expect(refusal(await alice.get(ofAlias()))).toEqual([404, 'M_NOT_FOUND']);
  });

  it('has a name before its colon, wherever it is given', async () => {
    const nameless = '#:one.test';
    expect(refusal(await put(alice, nameless))).toEqual([400, 'M_INVALID_PARAM']);
    for (const path of [ofAlias(nameless), `join/${encodeURIComponent(nameless)}`]) {
      const method = path.startsWith('join') ? 'POST' : 'GET';
      expect(refusal(await alice.call(method, path))).toEqual([400, 'M_INVALID_PARAM']);
    }
    expect((await alice.post('createRoom', { room_alias_name: '' })).status).toBe(400);
    expect((await put(alice, '#:two.test')).status).toBe(400);
  });

  it('is deleted by who gave it and by who manages the room', async () => {
    await bob.must('POST', `${inRoom(roomId)}/join`);
    for (const remover of [bob, alice]) {
      await bob.must('PUT', ofAlias(), { room_id: roomId });
      expect((await remover.call('DELETE', ofAlias())).status).toBe(200);
    }
    await alice.must('PUT', ofAlias(), { room_id: roomId });
    expect(refusal(await bob.call('DELETE', ofAlias()))).toEqual([403, 'M_FORBIDDEN']);
    await alice.must('DELETE', ofAlias());
    expect(refusal(await alice.call('DELETE', ofAlias()))).toEqual([404, 'M_NOT_FOUND']);
  });
});

describe('the room directory', () => {
  const names = async (body: object, path = 'publicRooms') => {
    const { chunk } = await bob.must('POST', path, body);
    return chunk.map(({ name }: { name?: string }) => name);
  };

  it('shows rooms that were published by those who may, and finds them by their words', async () => {
    const own = `directory/list/room/${encodeURIComponent(roomId)}`;
    const filter = { generic_search_term: `ROOM ${counter}` };
    expect(await names({ filter })).toEqual([]);
    expect(refusal(await bob.put(own, { visibility: 'public' }))).toEqual([403, 'M_FORBIDDEN']);
    await alice.must('PUT', own, { visibility: 'public' });
    expect(await bob.must('GET', own)).toEqual({ visibility: 'public' });
    expect(await names({ filter })).toEqual([`Room ${counter}`]);
    expect(await names({ filter: { ...filter, room_types: ['m.space'] } })).toEqual([]);
    await alice.must('PUT', own, { visibility: 'private' });
    expect(await names({ filter })).toEqual([]);
    expect(refusal(await bob.get('directory/list/room/!nothing:one.test'))).toEqual([404, 'M_NOT_FOUND']);
  });

  it('is read in pages', async () => {
    const rooms = await Promise.all(
      ['a', 'b', 'c'].map((name) => alice.createRoom({ name: `page ${name}`, visibility: 'public' })),
    );
    const filter = { generic_search_term: 'page' };
    const first = await bob.must('POST', 'publicRooms', { limit: 2, filter });
    const second = await bob.must('POST', 'publicRooms', { limit: 2, filter, since: first.next_batch });
    const ids = [...first.chunk, ...second.chunk].map(({ room_id }: { room_id: string }) => room_id);
    expect(ids.toSorted()).toEqual(rooms.toSorted());
    expect([first.total_room_count_estimate, second.next_batch]).toEqual([3, undefined]);
    const back = await bob.must('POST', 'publicRooms', { limit: 2, filter, since: second.prev_batch });
    expect(back.chunk).toEqual(first.chunk);
    expect(refusal(await bob.post('publicRooms', { since: 'nonsense' }))).toEqual([400, 'M_INVALID_PARAM']);
    const nulls = { limit: null, since: null, filter: null };
    expect(await bob.must('POST', 'publicRooms', nulls)).toEqual(await bob.must('POST', 'publicRooms'));
  });

  it('leaves out rooms that nobody is in any more', async () => {
    const filter = { generic_search_term: 'deserted' };
    const deserted = await alice.createRoom({ name: 'Deserted', preset: 'public_chat', visibility: 'public' });
    await bob.must('POST', `join/${encodeURIComponent(deserted)}`);
    await alice.must('POST', `${inRoom(deserted)}/leave`, {});
    expect(await names({ filter })).toEqual(['Deserted']);
    await bob.must('POST', `${inRoom(deserted)}/leave`, {});
    expect(await bob.must('POST', 'publicRooms', { filter })).toMatchObject({
      chunk: [],
      total_room_count_estimate: 0,
    });
  });

  it('of another server is not ours', async () => {
    expect((await bob.get('publicRooms?server=two.test')).status).toBe(200);
    expect(refusal(await bob.get('publicRooms?server=elsewhere.test'))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await bob.post('publicRooms?server=elsewhere.test', {}))).toEqual([404, 'M_NOT_FOUND']);
  });
});

it.each([
  ['one.test', 'https://matrix.one.test'],
  ['two.test', 'https://matrix.two.test'],
  ['two.test:8008', 'https://matrix.two.test'],
  ['elsewhere.test', 'https://matrix.one.test'],
])('whoever looks for the homeserver at %s is sent to %s', async (host, base_url) => {
  const { body } = await exchange(replica.url, 'GET', '/.well-known/matrix/client', { headers: { host } });
  expect(body).toEqual({ 'm.homeserver': { base_url } });
});

describe('state that nobody can mean is a mistake in the request:', () => {
  const levels = (content: object) => ['m.room.power_levels', content] as const;
  const member = (membership: unknown) => ['m.room.member/SELF', { membership }] as const;
  it.each([
    levels({ users: { '@a:one.test': '50' } }),
    levels({ users: ['@a:one.test'] }),
    levels({ ban: '50' }),
    levels({ events: { 'm.room.name': null } }),
    levels({ notifications: { room: 1.5 } }),
    member('kicked'),
    member(['join']),
    member(undefined),
  ])('%s %j', async (path, content) => {
    for (const room_version of ['1', '9', '12']) {
      const room = await alice.createRoom({ room_version });
      const answer = await alice.put(`${inRoom(room)}/state/${path.replace('SELF', alice.userId)}`, content);
      expect(refusal(answer)).toEqual([400, 'M_BAD_JSON']);
    }
  });
});
