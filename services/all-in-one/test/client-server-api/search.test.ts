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

let edits = 0;
async function edit(person: Person, eventId: string, body: string): Promise<string> {
  edits += 1;
  const answer = await person.must('PUT', `${inRoom(roomId)}/send/m.room.message/edit-${edits}`, {
    ...{ msgtype: 'm.text', body: `* ${body}` },
    'm.new_content': { msgtype: 'm.text', body },
    'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
  });
  return answer.event_id;
}
const redact = (person: Person, eventId: string) =>
  person.must('PUT', `${inRoom(roomId)}/redact/${encodeURIComponent(eventId)}/r-${eventId}`, {});

it('what is redacted is not found', async () => {
  const redacted = await alice.say(roomId, 'a secret that goes');
  await alice.say(roomId, 'a secret that stays');
  expect(await find(alice, 'secret')).toHaveLength(2);
  await redact(alice, redacted);
  expect(await find(alice, 'secret')).toEqual(['a secret that stays']);
});

it('a message is found by what it says since it was edited, and again by what it said when the edit is redacted', async () => {
  const bob = await Person.register(other.url);
  await bob.must('POST', `${inRoom(roomId)}/join`);
  const message = await alice.say(roomId, 'old words');
  expect(await find(alice, 'old')).toEqual(['old words']);
  const first = await edit(alice, message, 'newer words');
  const second = await edit(alice, message, 'newest words');
  await edit(bob, message, 'words of somebody else');
  for (const gone of ['old', 'newer', 'somebody']) expect(await find(alice, gone)).toEqual([]);
  const { results } = await search(alice, { search_term: 'newest' });
  expect(results).toHaveLength(1);
  expect(results[0].result).toMatchObject({
    event_id: message,
    unsigned: { 'm.relations': { 'm.replace': { event_id: second } } },
  });
  await redact(alice, second);
  expect([await find(alice, 'newest'), await find(alice, 'newer')]).toEqual([[], ['old words']]);
  await redact(alice, first);
  expect(await find(alice, 'old')).toEqual(['old words']);
  await redact(alice, message);
  expect(await find(alice, 'words')).toEqual([]);
});

it('nobody learns by searching what an edit says that they may not see', async () => {
  const bob = await Person.register(other.url);
  await bob.must('POST', `${inRoom(roomId)}/join`);
  const message = await alice.say(roomId, 'harmless');
  await bob.must('POST', `${inRoom(roomId)}/leave`);
  expect(await find(bob, 'harmless')).toEqual(['harmless']);
  await edit(alice, message, 'confidential');
  expect(await find(alice, 'confidential')).toEqual(['harmless']);
  expect(await find(bob, 'confidential')).toEqual([]);
});

it('everything that matches can be paged through, however much it is', async () => {
  for (let page = 0; page < 8; page++) {
    await Promise.all(Array.from({ length: 40 }, (_, index) => alice.say(roomId, `gravel ${page} ${index}`)));
  }
  for (const order_by of ['recent', 'rank']) {
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const page = await search(alice, { search_term: 'gravel', order_by, filter: { limit: 90 } }, token);
      seen.push(...bodies(page));
      token = page.next_batch;
    } while (token !== undefined);
    expect([seen.length, new Set(seen).size]).toEqual([320, 320]);
  }
});

it('a term that has no words finds nothing', async () => {
  await alice.say(roomId, 'Something');
  for (const term of ['', '!!!', '-', '"']) expect(await find(alice, term)).toEqual([]);
  await alice.say(roomId, "it's \\ 'quoted'");
  expect(await find(alice, "'quoted' \\")).toHaveLength(1);
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
  const next = await search(bob, { search_term: 'needle', filter: { limit: 1 } }, page.next_batch);
  expect([page.count, next.results, next.next_batch]).toEqual([1, [], undefined]);
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
    await again.db.query({ text: 'DELETE FROM sync.words' });
    await again.db.query({ text: 'UPDATE sync.words_progress SET down_to = up_to' });
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

it('what somebody has said who was erased since is found by nobody who was not there', async () => {
  const [bob, carol] = [await Person.register(replica.url, 'bob'), await Person.register(other.url, 'carol')];
  await bob.must('POST', `join/${encodeURIComponent(roomId)}`);
  await bob.must('PUT', `profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: 'Hidden name' });
  const said = await bob.say(roomId, 'unheard words');
  await alice.say(roomId, 'heard words');
  await carol.must('POST', `join/${encodeURIComponent(roomId)}`);
  const criteria = { search_term: 'words', order_by: 'recent', event_context: { include_profile: true } };
  expect(bodies(await search(carol, criteria))).toEqual(['heard words', 'unheard words']);
  const auth = {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: bob.userId },
    password: bob.password,
  };
  await bob.must('POST', 'account/deactivate', { auth, erase: true });
  await eventually(async () => expect(bodies(await search(carol, criteria))).toEqual(['heard words']));
  const told = await search(carol, criteria);
  expect(JSON.stringify(told)).not.toMatch(/unheard|Hidden/);
  expect(JSON.stringify(told)).toContain(said);
  expect(bodies(await search(alice, criteria))).toEqual(['heard words', 'unheard words']);
});
