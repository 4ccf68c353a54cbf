import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let one: Replica;
let two: Replica;
let alice: Person;
let roomId: string;
let rootId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  one = await homeserver.start();
  two = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  alice = await Person.register(one.url, 'alice');
  roomId = await alice.createRoom();
  rootId = await alice.say(roomId, 'What do you think?');
});

let replies = 0;
async function reply(root = rootId): Promise<string> {
  replies += 1;
  const relation = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
  const content = { msgtype: 'm.text', body: 'A reply', ...relation };
  return (await alice.must('PUT', `${inRoom(roomId)}/send/m.room.message/reply-${replies}`, content)).event_id;
}

const pathOf = (root: string) =>
  `/_matrix/client/unstable/io.element.msc4306/rooms/${encodeURIComponent(roomId)}/thread/${encodeURIComponent(root)}/subscription`;
const subscribe = (body: object = {}, root = rootId) => alice.at(two.url).put(pathOf(root), body);
const unsubscribe = () => alice.must('DELETE', pathOf(rootId));
const current = () => alice.get(pathOf(rootId));
const refusal = ({ status, body }: Answer) => [status, body.errcode];
const NOT_FOUND = [404, 'M_NOT_FOUND'];

it('a thread is followed until that is ended, whichever replica is asked', async () => {
  expect(refusal(await current())).toEqual(NOT_FOUND);
  expect((await subscribe()).status).toBe(200);
  expect((await current()).body).toEqual({ automatic: false });
  await unsubscribe();
  expect(refusal(await current())).toEqual(NOT_FOUND);
  await unsubscribe();
});

it('what comes of a wish stays so, and what comes of an event becomes a wish', async () => {
  const automatic = await reply();
  expect((await subscribe({ automatic })).status).toBe(200);
  expect((await current()).body).toEqual({ automatic: true });
  await subscribe();
  expect((await current()).body).toEqual({ automatic: false });
  await subscribe({ automatic });
  expect((await current()).body).toEqual({ automatic: false });
});

it('who has ended it follows again only because of what came after that', async () => {
  const [first, second] = [await reply(), await reply()];
  await subscribe({ automatic: first });
  await unsubscribe();
  for (const automatic of [first, second]) {
    expect(refusal(await subscribe({ automatic }))).toEqual([409, 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION']);
  }
  expect(refusal(await current())).toEqual(NOT_FOUND);
  expect((await subscribe({ automatic: await reply() })).status).toBe(200);
  await unsubscribe();
  expect((await subscribe()).status).toBe(200);
});

it('only an event in the thread brings it about, and nobody follows what they may not see', async () => {
  const elsewhere = await reply(await alice.say(roomId, 'Another one'));
  for (const automatic of [rootId, elsewhere]) {
    expect(refusal(await subscribe({ automatic }))).toEqual([400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD']);
  }
  expect(refusal(await subscribe({}, '$nowhere:one.test'))).toEqual(NOT_FOUND);
  const bob = await Person.register(two.url, 'bob');
  expect(refusal(await bob.put(pathOf(rootId), {}))).toEqual(NOT_FOUND);
});

it('all changes come in pages, the latest first', async () => {
  const second = await alice.say(roomId, 'Another one');
  await subscribe();
  await subscribe({}, second);
  await unsubscribe();
  const list = (query: string) =>
    alice.must('GET', `/_matrix/client/unstable/io.element.msc4308/thread_subscriptions?dir=b&${query}`);
  const first = await list('limit=1');
  expect(first).toEqual({
    unsubscribed: { [roomId]: { [rootId]: { bump_stamp: expect.any(Number) } } },
    end: expect.any(String),
  });
  const rest = await list(`from=${first.end}`);
  expect(rest).toEqual({
    subscribed: { [roomId]: { [second]: { automatic: false, bump_stamp: expect.any(Number) } } },
  });
  expect(await list(`to=${first.unsubscribed[roomId][rootId].bump_stamp}`)).toEqual({});
});
