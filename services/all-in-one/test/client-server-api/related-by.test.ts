import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
let roomId: string;
/** Somebody has replied to it in a thread, edited it, and nothing. */
let threaded: string;
let edited: string;
let plain: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());

async function relate(person: Person, event_id: string, rel_type: string): Promise<void> {
  const content = { msgtype: 'm.text', body: 'related', 'm.new_content': { msgtype: 'm.text', body: 'findable' } };
  await person.must('PUT', `${inRoom(roomId)}/send/m.room.message/${rel_type}-${event_id.slice(1, 9)}`, {
    ...content,
    'm.relates_to': { rel_type, event_id },
  });
}

beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(replica.url, 'alice'), Person.register(replica.url, 'bob')]);
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.must('POST', `${inRoom(roomId)}/join`);
  threaded = await alice.say(roomId, 'findable, threaded');
  edited = await alice.say(roomId, 'findable, edited');
  plain = await alice.say(roomId, 'findable, plain');
  await relate(bob, threaded, 'm.thread');
  await relate(alice, edited, 'm.replace');
});

interface Event {
  readonly event_id: string;
}
const ids = (events: readonly Event[]) => events.map(({ event_id }) => event_id);

describe.each([
  ['by somebody', () => ({ related_by_senders: [bob.userId] }), () => [threaded]],
  ['in some way', () => ({ related_by_rel_types: ['m.replace'] }), () => [edited]],
  ['in several ways', () => ({ related_by_rel_types: ['m.replace', 'm.thread'] }), () => [threaded, edited]],
  [
    'by somebody in some way',
    () => ({ related_by_senders: [bob.userId], related_by_rel_types: ['m.replace'] }),
    () => [],
  ],
] as const)('events that others relate to %s are chosen', (_, filterOf, expected) => {
  it('in pages of messages', async () => {
    const filter = encodeURIComponent(JSON.stringify(filterOf()));
    const { chunk } = await alice.must('GET', `${inRoom(roomId)}/messages?dir=f&limit=50&filter=${filter}`);
    expect(ids(chunk)).toEqual(expected());
  });

  it('by /sync', async () => {
    const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { ...filterOf(), limit: 50 } } }));
    const { rooms } = await alice.must('GET', `sync?filter=${filter}`);
    expect(ids(rooms.join[roomId].timeline.events)).toEqual(expected());
  });

  it('by a search', async () => {
    const criteria = { search_term: 'findable', order_by: 'recent', filter: filterOf() };
    const { search_categories } = await alice.must('POST', 'search', { search_categories: { room_events: criteria } });
    const { results } = search_categories.room_events as { results: { result: Event }[] };
    expect(ids(results.map(({ result }) => result)).toReversed()).toEqual(expected());
  });
});

it('without such a filter all are there', async () => {
  const { chunk } = await alice.must('GET', `${inRoom(roomId)}/messages?dir=f&limit=50`);
  expect(ids(chunk)).toEqual(expect.arrayContaining([threaded, edited, plain]));
});
