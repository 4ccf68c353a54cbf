import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let other: Replica;
let alice: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  other = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  alice = await Person.register(replica.url);
  roomId = await alice.createRoom({ preset: 'public_chat' });
});

interface Result {
  readonly rank: number;
  readonly result: { readonly event_id: string; readonly room_id: string; readonly content: { readonly body: string } };
}

async function search(person: Person, criteria: object, nextBatch?: string) {
  const path = `search${nextBatch === undefined ? '' : `?next_batch=${nextBatch}`}`;
  const body = { search_categories: { room_events: criteria } };
  return (await person.must('POST', path, body)).search_categories.room_events;
}
const bodies = ({ results }: { results: Result[] }) => results.map(({ result }) => result.content.body);
const find = async (person: Person, search_term: string, others: object = {}) =>
  bodies(await search(person, { search_term, order_by: 'recent', ...others }));

it('what was said a moment ago is found by its words, at any replica', async () => {
  const eventId = await alice.say(roomId, 'hello, World');
  for (const url of [replica.url, other.url]) {
    const found = await search(alice.at(url), { search_term: 'world', keys: ['content.body'] });
    expect(found).toMatchObject({
      count: 1,
      highlights: ['world'],
      results: [{ result: { event_id: eventId, room_id: roomId } }],
    });
    expect(found.results[0].rank).toBeGreaterThan(0);
  }
  expect(await find(alice, 'nobody said this')).toEqual([]);
});

it('all words have to be there, quoted ones together, and none with a minus', async () => {
  for (const text of ['red green blue', 'red blue', 'green red']) await alice.say(roomId, text);
  expect(await find(alice, 'red green')).toEqual(['green red', 'red green blue']);
  expect(await find(alice, '"red green"')).toEqual(['red green blue']);
  expect(await find(alice, 'red -green')).toEqual(['red blue']);
});

it('results come in pages, the most recent or the closest first', async () => {
  for (let index = 0; index < 12; index++) await alice.say(roomId, `number ${index}`);
  await alice.say(roomId, 'number number number');
  const page = { search_term: 'number', order_by: 'recent', filter: { limit: 6 } };
  const first = await search(alice, page);
  await alice.say(roomId, 'number later');
  const second = await search(alice, page, first.next_batch);
  const third = await search(alice, page, second.next_batch);
  const seen = [first, second, third].flatMap(bodies);
  expect(seen).toEqual(['number number number', ...Array.from({ length: 12 }, (_, index) => `number ${11 - index}`)]);
  expect([first.count, third.next_batch]).toEqual([13, undefined]);
  expect(bodies(await search(alice, { search_term: 'number', filter: { limit: 1 } }))).toEqual([
    'number number number',
  ]);
});

it('what is redacted is not found, and an edit is found by what it says', async () => {
  const redacted = await alice.say(roomId, 'a secret that goes');
  const edited = await alice.say(roomId, 'a secret that stays');
  await alice.must('PUT', `${inRoom(roomId)}/redact/${encodeURIComponent(redacted)}/r`, {});
  await alice.must('PUT', `${inRoom(roomId)}/send/m.room.message/edit`, {
    ...{ msgtype: 'm.text', body: '* something new' },
    'm.new_content': { msgtype: 'm.text', body: 'something new' },
    'm.relates_to': { rel_type: 'm.replace', event_id: edited },
  });
  expect(await find(alice, 'secret')).toEqual(['a secret that stays']);
  expect(await find(alice, 'something new')).toEqual(['* something new']);
});

it('names and topics of rooms are found, where these are asked for', async () => {
  await alice.must('PUT', `${inRoom(roomId)}/state/m.room.topic`, { topic: 'Gardening' });
  const found = await search(alice, { search_term: 'gardening' });
  expect(found.results[0].result.content).toEqual({ topic: 'Gardening' });
  expect((await search(alice, { search_term: 'gardening', keys: ['content.body', 'content.name'] })).results).toEqual(
    [],
  );
});

it('nobody finds what they may not see, nor anything in encrypted rooms', async () => {
  const bob = await Person.register(other.url);
  const hidden = await alice.createRoom({ preset: 'private_chat' });
  const joined = { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } };
  const since = await alice.createRoom({ preset: 'public_chat', initial_state: [joined] });
  await alice.say(hidden, 'needle in a private room');
  await alice.say(since, 'needle before bob came');
  await bob.must('POST', `${inRoom(since)}/join`);
  await alice.say(since, 'needle while bob was there');
  await bob.must('POST', `${inRoom(since)}/leave`);
  await alice.say(since, 'needle after bob left');
  expect(await find(bob, 'needle')).toEqual(['needle while bob was there']);
  const page = await search(bob, { search_term: 'needle', filter: { limit: 1 } });
  expect([page.count, page.next_batch]).toEqual([1, undefined]);
  await alice.must('PUT', `${inRoom(hidden)}/state/m.room.encryption`, { algorithm: 'm.megolm.v1.aes-sha2' });
  await eventually(async () => expect(await find(alice, 'private')).toEqual([]));
  await bob.must('POST', `${inRoom(since)}/forget`);
  expect(await find(bob, 'needle')).toEqual([]);
});

it('filters choose rooms and senders, and results are grouped by these', async () => {
  const bob = await Person.register(other.url);
  const second = await alice.createRoom({ preset: 'public_chat' });
  await bob.must('POST', `${inRoom(roomId)}/join`);
  await alice.say(roomId, 'apple one');
  await bob.say(roomId, 'apple two');
  await alice.say(second, 'apple three');
  expect(await find(alice, 'apple', { filter: { rooms: [roomId] } })).toEqual(['apple two', 'apple one']);
  expect(await find(alice, 'apple', { filter: { senders: [bob.userId] } })).toEqual(['apple two']);
  const groupings = { group_by: [{ key: 'room_id' }, { key: 'sender' }] };
  const { groups } = await search(alice, { search_term: 'apple', groupings });
  expect(groups.room_id[roomId].results).toHaveLength(2);
  expect(groups.room_id[second].results).toHaveLength(1);
  expect(groups.sender[bob.userId].results).toHaveLength(1);
});

it('results come with what was said around them, by whom, and with the state of their rooms', async () => {
  await alice.must('PUT', `profile/${encodeURIComponent(alice.userId)}/displayname`, { displayname: 'Alice' });
  for (let index = 1; index <= 7; index++) await alice.say(roomId, `message number ${index}`);
  const event_context = { before_limit: 2, after_limit: 2, include_profile: true };
  const found = await search(alice, { search_term: 'message 4', include_state: true, event_context });
  const { context } = found.results[0];
  const around = [context.events_before, context.events_after];
  expect(around.map((events) => events.map(({ content }: Result['result']) => content.body))).toEqual([
    ['message number 3', 'message number 2'],
    ['message number 5', 'message number 6'],
  ]);
  expect(context.profile_info[alice.userId].displayname).toBe('Alice');
  const { chunk } = await alice.must('GET', `${inRoom(roomId)}/messages?dir=b&limit=1&from=${context.start}`);
  expect(chunk[0].content.body).toBe('message number 1');
  const types = found.state[roomId].map(({ type }: { type: string }) => type);
  expect(types).toEqual(expect.arrayContaining(['m.room.create', 'm.room.member']));
});

it('what was there before the index is found once it was read', async () => {
  const own = await Homeserver.create();
  try {
    const { url, stop } = await own.start();
    const person = await Person.register(url);
    const room = await person.createRoom();
    for (let index = 0; index < 3; index++) await person.say(room, `ancient ${index}`);
    expect(await find(person, 'ancient')).toHaveLength(3);
    await stop();
    const again = await own.start();
    await again.db.query({ text: 'DELETE FROM sync.search' });
    await again.db.query({ text: 'UPDATE sync.search_progress SET down_to = up_to' });
    await eventually(async () => {
      expect(await find(person.at(again.url), 'ancient')).toEqual(['ancient 2', 'ancient 1', 'ancient 0']);
    });
  } finally {
    await own.close();
  }
});

it.each([
  ['a key that is none', { search_term: 'x', keys: ['content.formatted_body'] }],
  ['an order that is none', { search_term: 'x', order_by: 'upside down' }],
  ['no term', {}],
])('refuses %s', async (_, criteria) => {
  const { status } = await alice.post('search', { search_categories: { room_events: criteria } });
  expect(status).toBe(400);
});
