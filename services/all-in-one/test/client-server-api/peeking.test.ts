import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, exchange, inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let one: Replica;
let two: Replica;
let alice: Person;
let peeker: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  one = await homeserver.start({ registration: { enabled: true, allow_guests: true } });
  two = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  alice = await Person.register(one.url, 'alice');
  const { body } = await exchange(one.url, 'POST', '/_matrix/client/v3/register?kind=guest', { body: {} });
  peeker = new Person(two.url, body.user_id, body.device_id, body.access_token, '');
  const readable = { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } };
  roomId = await alice.createRoom({ preset: 'public_chat', initial_state: [readable] });
});

interface Event {
  readonly type: string;
  readonly room_id: string;
  readonly content: { readonly body?: string };
}
const bodies = (events: readonly Event[]) => events.flatMap(({ content }) => content.body ?? []);
const refusal = ({ status, body }: Answer) => [status, body.errcode];
const eventsAfter = (person: Person, from: string, timeout = 0, room: string | undefined = roomId) =>
  person.must('GET', `events?from=${from}&timeout=${timeout}${room && `&room_id=${encodeURIComponent(room)}`}`);

it('who is not in a room that the world may read sees what was said there last, and what it is', async () => {
  for (let index = 1; index <= 5; index++) await alice.say(roomId, `message ${index}`);
  const room = await peeker.must('GET', `${inRoom(roomId)}/initialSync?limit=3`);
  expect(room).toMatchObject({ room_id: roomId, visibility: 'private', account_data: [], presence: [] });
  expect(room.membership).toBeUndefined();
  expect(bodies(room.messages.chunk)).toEqual(['message 3', 'message 4', 'message 5']);
  expect(room.state.map(({ type }: Event) => type)).toEqual(
    expect.arrayContaining(['m.room.create', 'm.room.member', 'm.room.history_visibility']),
  );
  const earlier = await peeker.must('GET', `${inRoom(roomId)}/messages?dir=b&limit=2&from=${room.messages.start}`);
  expect(bodies(earlier.chunk)).toEqual(['message 2', 'message 1']);
});

it('everybody who is in a room is told of to who looks in, once, however many they are', async () => {
  const guests = await Promise.all(Array.from({ length: 12 }, () => Person.register(two.url)));
  for (const guest of guests) await guest.must('POST', `${inRoom(roomId)}/join`);
  await guests[0]!.must('POST', `${inRoom(roomId)}/leave`);
  const { state } = await peeker.must('GET', `${inRoom(roomId)}/initialSync`);
  const members = state.filter(({ type }: Event) => type === 'm.room.member');
  const names = members.map((event: { state_key: string }) => event.state_key).sort();
  expect(names).toEqual([alice, ...guests.slice(1)].map(({ userId }) => userId).sort());
});

it('what is said from then on comes to who looks in, at once, whichever replica they ask', async () => {
  const { messages } = await peeker.must('GET', `${inRoom(roomId)}/initialSync?limit=1`);
  const waiting = eventsAfter(peeker, messages.end, 20_000);
  await alice.say(roomId, 'first');
  const first = await waiting;
  expect([bodies(first.chunk), first.chunk[0].room_id]).toEqual([['first'], roomId]);
  await alice.say(roomId, 'second');
  const second = await eventsAfter(peeker, first.end, 20_000);
  expect(bodies(second.chunk)).toEqual(['second']);
  const nothing = await eventsAfter(peeker, second.end);
  expect(nothing).toEqual({ chunk: [], start: second.end, end: second.end });
});

it('nobody looks into a room that the world may not read, nor any longer than it may', async () => {
  const hidden = await alice.createRoom({ preset: 'public_chat' });
  for (const room of [hidden, '!nowhere:one.test']) {
    expect(refusal(await peeker.get(`${inRoom(room)}/initialSync`))).toEqual([403, 'M_FORBIDDEN']);
    expect(refusal(await peeker.get(`events?timeout=0&room_id=${encodeURIComponent(room)}`))).toEqual([
      403,
      'M_FORBIDDEN',
    ]);
  }
  const { messages } = await peeker.must('GET', `${inRoom(roomId)}/initialSync`);
  await alice.must('PUT', `${inRoom(roomId)}/state/m.room.history_visibility`, { history_visibility: 'joined' });
  await alice.say(roomId, 'among ourselves');
  const path = `events?timeout=0&from=${messages.end}&room_id=${encodeURIComponent(roomId)}`;
  expect(refusal(await peeker.get(path))).toEqual([403, 'M_FORBIDDEN']);
});

it.each(['timeout', 'limit'])('what is no number is no %s of a request for events', async (name) => {
  for (const value of ['hello', '-2', '1.5', '']) {
    expect([value, ...refusal(await alice.get(`events?${name}=${value}`))]).toEqual([value, 400, 'M_INVALID_PARAM']);
  }
  await alice.must('GET', 'events?timeout=0&limit=2');
});

it('who is in a room sees it as their own, with what they have noted of it', async () => {
  await alice.must('PUT', `user/${encodeURIComponent(alice.userId)}/rooms/${encodeURIComponent(roomId)}/tags/u.own`, {
    order: 0.5,
  });
  const room = await alice.must('GET', `${inRoom(roomId)}/initialSync`);
  expect(room).toMatchObject({
    membership: 'join',
    account_data: [{ type: 'm.tag', content: { tags: { 'u.own': { order: 0.5 } } } }],
  });
});

it('clients of before find all of their rooms, and what happens in them', async () => {
  const bob = await Person.register(two.url, 'bob');
  const invited = await alice.createRoom({ invite: [bob.userId] });
  await bob.must('POST', `${inRoom(roomId)}/join`);
  await alice.say(roomId, 'hello');
  const all = await bob.must('GET', 'initialSync?limit=2');
  const rooms = new Map<string, { membership: string; invite?: Event; messages: { chunk: Event[] }; state: Event[] }>(
    all.rooms.map((room: { room_id: string }) => [room.room_id, room]),
  );
  expect(rooms.get(invited)).toMatchObject({ membership: 'invite', invite: { type: 'm.room.member' } });
  expect(bodies(rooms.get(roomId)!.messages.chunk)).toEqual(['hello']);
  expect(rooms.get(roomId)!.state.map(({ type }) => type)).toContain('m.room.create');
  const waiting = eventsAfter(bob, all.end, 20_000, '');
  await alice.say(roomId, 'news');
  let told = await waiting;
  // Something else may have woken them first.
  while (bodies(told.chunk).length === 0) told = await eventsAfter(bob, told.end, 20_000, '');
  expect(bodies(told.chunk)).toEqual(['news']);
});

it('following events in the old way takes no message from a device', async () => {
  const send = { messages: { [alice.userId]: { [alice.deviceId]: { secret: 1 } } } };
  const { next_batch } = await alice.must('GET', 'sync');
  await alice.must('PUT', 'sendToDevice/org.example.secret/1', send);
  const { end } = await alice.must('GET', 'initialSync');
  await eventsAfter(alice, end, 0, '');
  const { to_device } = await alice.must('GET', `sync?since=${next_batch}&timeout=5000`);
  expect(to_device.events).toHaveLength(1);
});

it('an event is found by its id alone by who may see it, whichever room it is in', async () => {
  const hidden = await alice.createRoom({ preset: 'private_chat' });
  const ids = [await alice.say(roomId, 'shown'), await alice.say(hidden, 'hidden')];
  const [shown, secret] = ids.map((id) => `events/${encodeURIComponent(id)}`) as [string, string];
  const other = await Person.register(two.url);
  expect(await alice.at(two.url).must('GET', secret)).toMatchObject({ room_id: hidden, content: { body: 'hidden' } });
  expect(await other.must('GET', shown)).toMatchObject({
    event_id: ids[0],
    room_id: roomId,
    content: { body: 'shown' },
  });
  expect(refusal(await other.get(secret))).toEqual([404, 'M_NOT_FOUND']);
  expect(refusal(await other.get(`events/${encodeURIComponent(`$${'x'.repeat(43)}`)}`))).toEqual([404, 'M_NOT_FOUND']);
});
