import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { exchange, inRoom, Person } from '../support/person.js';

const V3 = '/_matrix/client/v3';

let homeserver: Homeserver;
let one: Replica;
let two: Replica;
let bot: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  one = await homeserver.start();
  two = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  bot = await Person.register(one.url, 'bot');
  roomId = await bot.createRoom();
});

/** A session of the device `BOT`. */
async function logIn(url = one.url): Promise<Person & { refreshToken: string }> {
  const { userId, password } = bot;
  const identifier = { type: 'm.id.user', user: userId };
  const body = { type: 'm.login.password', identifier, password, device_id: 'BOT', refresh_token: true };
  const { body: session } = await exchange(url, 'POST', `${V3}/login`, { body });
  const person = new Person(url, userId, session.device_id, session.access_token, password);
  return Object.assign(person, { refreshToken: session.refresh_token as string });
}

const redact = (person: Person, eventId: string) =>
  person.must('PUT', `${inRoom(roomId)}/redact/${encodeURIComponent(eventId)}/1`);

it('begin anew for who logs out and in again with the same device, and stay those of a device whose tokens are refreshed', async () => {
  const before = await logIn();
  const first = await before.say(roomId, 'first', '1');
  const redacted = await redact(before, first);
  expect(await before.say(roomId, 'first', '1')).toBe(first);
  const body = { refresh_token: before.refreshToken };
  const { body: tokens } = await exchange(two.url, 'POST', `${V3}/refresh`, { body });
  const refreshed = new Person(two.url, bot.userId, 'BOT', tokens.access_token, bot.password);
  expect(await refreshed.say(roomId, 'first', '1')).toBe(first);
  expect(await redact(refreshed, first)).toEqual(redacted);
  await refreshed.must('POST', 'logout');

  const after = await logIn(two.url);
  const second = await after.say(roomId, 'second', '1');
  expect(second).not.toBe(first);
  expect(await redact(after, first)).not.toEqual(redacted);
  expect(await after.at(one.url).say(roomId, 'second', '1')).toBe(second);
  const { content } = await bot.must('GET', `${inRoom(roomId)}/event/${encodeURIComponent(second)}`);
  expect(content.body).toBe('second');
});

it('of messages to devices begin anew, too', async () => {
  const send = (person: Person, n: number) =>
    person.must('PUT', 'sendToDevice/org.example.count/1', { messages: { [bot.userId]: { [bot.deviceId]: { n } } } });
  const before = await logIn();
  await send(before, 1);
  await send(before.at(two.url), 1);
  await before.must('POST', 'logout');
  const after = await logIn();
  await send(after, 2);
  await send(after.at(two.url), 2);
  await eventually(async () => {
    const { to_device } = await bot.must('GET', 'sync?timeout=0');
    const counts = to_device?.events.map(({ content }: { content: { n: number } }) => content.n);
    expect(counts).toEqual([1, 2]);
  });
});

it('are not shown to who has logged in again with the same device', async () => {
  const before = await logIn();
  const eventId = await before.say(roomId, 'mine', 'own');
  const event = `${inRoom(roomId)}/event/${encodeURIComponent(eventId)}`;
  const shown = async (person: Person) => {
    const { rooms } = await person.must('GET', 'sync?timeout=0');
    type Shown = { event_id: string; unsigned: { transaction_id?: string } };
    const events: Shown[] = [
      ...rooms.join[roomId].timeline.events,
      ...(await person.must('GET', `${inRoom(roomId)}/messages?dir=b`)).chunk,
      ...(await person.must('GET', `${inRoom(roomId)}/context/${encodeURIComponent(eventId)}?limit=0`)).state,
      await person.must('GET', event),
    ];
    return events.filter(({ event_id }) => event_id === eventId).map(({ unsigned }) => unsigned.transaction_id);
  };
  await eventually(async () => expect(await shown(before)).toEqual(['own', 'own', 'own']));
  await before.must('POST', 'logout');
  const after = await logIn(two.url);
  expect(await eventually(() => shown(after))).toEqual([undefined, undefined, undefined]);
});
