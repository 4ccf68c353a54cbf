import { eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import type { NewEvent } from './support/room.js';

const OLD = '@old:two.test';
const LAZY = encodeURIComponent('{"lazy_load_members":true}');

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let roomId: string;
let earlier: string[];

const named = (displayname: string): NewEvent => ({
  ...{ type: 'm.room.member', sender: OLD, stateKey: OLD, content: { membership: 'join', displayname } },
});
const topic = (text: string): NewEvent => ({
  ...{ type: 'm.room.topic', sender: OLD, stateKey: '', content: { topic: text } },
});

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
  alice = deployment.person('alice', replica);
  roomId = await deployment.rooms.create(alice.userId);
  for (const event of [named('Now'), topic('now')]) await deployment.rooms.send(roomId, { ...event, depth: 10 });
  await deployment.rooms.send(roomId, {
    ...{ type: 'm.room.message', sender: OLD, content: { body: 'live' }, depth: 11 },
  });
  const room = deployment.rooms.room(roomId);
  const stateAt = [named('Then'), topic('then')].map((event) => room.outlier(event).eventId);
  const said = ['one', 'two'].map((body, index) => ({
    ...{ type: 'm.room.message', sender: OLD, content: { body }, depth: index + 2, stateAt },
  }));
  const backfilled = deployment.rooms.backfill(roomId, said);
  earlier = backfilled.map(({ eventId }) => eventId);
  await deployment.rooms.publish(roomId, backfilled);
  await eventually(async () => {
    const { body } = await alice.call('GET', `rooms/${encodeURIComponent(roomId)}/event/${earlier[1]}`);
    expect(body.content).toEqual({ body: 'two' });
  });
});
afterAll(() => deployment.close());

type State = { type: string; content: { displayname?: string; topic?: string } }[];
const read = async (path: string) =>
  (await alice.call('GET', `rooms/${encodeURIComponent(roomId)}/${path}`)).body as {
    chunk: { content: { body?: string } }[];
    end: string;
    state: State;
  };
const names = (state: State) => state.flatMap(({ content }) => content.displayname ?? []);
const topics = (state: State) => state.flatMap(({ content }) => content.topic ?? []);

describe('what was backfilled', () => {
  it('is paged with its senders as they were then, what is live with them as they are', async () => {
    const live = await read(`messages?dir=b&limit=1&filter=${LAZY}`);
    expect([live.chunk[0]!.content.body, names(live.state)]).toEqual(['live', ['Now']]);
    let page = live;
    while (page.chunk.at(-1)!.content.body !== 'two') {
      page = await read(`messages?dir=b&limit=1&filter=${LAZY}&from=${page.end}`);
    }
    expect(names(page.state)).toEqual(['Then']);
  });

  it('is shown in its context with the state as it was after the last event of that', async () => {
    const around = await read(`context/${earlier[1]}?limit=0`);
    expect([names(around.state), topics(around.state)]).toEqual([['Then'], ['then']]);
    const lazily = await read(`context/${earlier[1]}?limit=0&filter=${LAZY}`);
    expect([names(lazily.state), topics(lazily.state)]).toEqual([['Then'], ['then']]);
  });
});
