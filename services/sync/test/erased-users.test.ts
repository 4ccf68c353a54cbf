import { ERASURE_TYPE } from '@ganglion/contracts';
import { eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

let deployment: Deployment;
let replicas: readonly [Replica, Replica];
let alice: Person;
let bob: Person;
let carol: Person;
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());

interface ClientEvent {
  readonly event_id: string;
  readonly type: string;
  readonly state_key?: string;
  readonly content: object;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into contents of any shape
  readonly unsigned: any;
}

const send = (type: string, content: object, more: object = {}) =>
  deployment.rooms.send(roomId, { type, sender: alice.userId, content, ...more });

/** All that a person can be told of the room, by each way of asking. */
async function everything(person: Person, eventId: string): Promise<Record<string, ClientEvent[]>> {
  const inRoom = `rooms/${encodeURIComponent(roomId)}`;
  const get = async (path: string) => {
    const { status, body } = await person.call('GET', path);
    expect([path, status]).toEqual([path, 200]);
    return body;
  };
  const room = (await person.with({}).sync({ filter: { room: { timeline: { limit: 50 } } } })).rooms.join[roomId];
  const raw = { event_format: 'federation', room: { timeline: { limit: 50 } } };
  const context = await get(`${inRoom}/context/${encodeURIComponent(eventId)}?limit=50`);
  return {
    sync: [...room.timeline.events, ...room.state.events],
    raw: (await person.with({}).sync({ filter: raw })).rooms.join[roomId].timeline.events,
    back: (await get(`${inRoom}/messages?dir=b&limit=50`)).chunk,
    forth: (await get(`${inRoom}/messages?dir=f&limit=50`)).chunk,
    event: [await get(`${inRoom}/event/${encodeURIComponent(eventId)}`)],
    context: [...context.events_before, context.event, ...context.events_after, ...context.state],
    members: (await get(`${inRoom}/members`)).chunk,
  };
}

async function erase(): Promise<void> {
  await deployment.rooms.setMembership(roomId, alice.userId, 'leave');
  await deployment.users.putAccountData({
    ...{ userId: alice.userId, roomId: '', type: ERASURE_TYPE, contentJson: '{"erased":true}', expectedSeq: 0 },
  });
}

beforeEach(async () => {
  [alice, bob, carol] = [
    deployment.person('alice', replicas[0]),
    deployment.person('bob', replicas[0]),
    deployment.person('carol', replicas[1]),
  ];
  roomId = await deployment.rooms.create(alice.userId, bob.userId);
});

describe('what somebody has said who was erased since', () => {
  it('is redacted for who was not there, whichever way they ask, and not for who was', async () => {
    const named = { membership: 'join', displayname: 'Secret name' };
    await send('m.room.member', named, { stateKey: alice.userId });
    await send('m.room.topic', { topic: 'Secret topic' }, { stateKey: '' });
    const said = await send('m.room.message', { body: 'Secret message' });
    await send('m.room.topic', { topic: 'Second topic' }, { stateKey: '' });
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    const before = JSON.stringify(await everything(carol, said));
    for (const what of ['name', 'topic', 'message']) expect(before).toContain(`Secret ${what}`);
    await erase();
    await eventually(async () => {
      const { body } = await carol.call('GET', `rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(said)}`);
      expect(body.content).toEqual({});
    });
    const told = await everything(carol, said);
    for (const [way, events] of Object.entries(told)) {
      expect([way, JSON.stringify(events).includes('Secret')]).toEqual([way, false]);
      if (way === 'members') continue;
      const message = events.find(({ event_id }) => event_id === said);
      expect([way, message]).toMatchObject([way, { type: 'm.room.message', sender: alice.userId, content: {} }]);
      expect([way, message?.unsigned.membership]).toEqual([way, 'leave']);
    }
    const hers = JSON.stringify(await everything(bob, said));
    for (const what of ['name', 'topic', 'message']) expect(hers).toContain(`Secret ${what}`);
  });

  it('is nothing that relates to what others have said, for who was not there', async () => {
    const root = await deployment.rooms.say(roomId, bob.userId, 'Root');
    const inThread = (event_id: string) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id } });
    await deployment.rooms.say(roomId, bob.userId, 'Open reply', inThread(root));
    const secret = await deployment.rooms.say(roomId, alice.userId, 'Secret reply', inThread(root));
    const said = await deployment.rooms.say(roomId, alice.userId, 'Secret message');
    const edit = {
      'm.new_content': { body: 'Secret edit' },
      'm.relates_to': { rel_type: 'm.replace', event_id: said },
    };
    await deployment.rooms.say(roomId, alice.userId, '* Secret edit', edit);
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    const inRoom = (path: string) => `rooms/${encodeURIComponent(roomId)}/${path}`;
    const relations = `../v1/${inRoom(`relations/${encodeURIComponent(root)}`)}`;
    const threads = `../v1/${inRoom('threads')}`;
    const event = async (person: Person, eventId: string) =>
      (await person.call('GET', inRoom(`event/${encodeURIComponent(eventId)}`))).body;
    await eventually(async () => {
      const bundle = (await event(carol, root)).unsigned['m.relations'];
      expect(bundle['m.thread'].latest_event.event_id).toBe(secret);
    });
    await erase();
    await eventually(async () => expect((await event(carol, said)).content).toEqual({}));
    const thread = (await event(carol, root)).unsigned['m.relations']['m.thread'];
    expect(thread.latest_event.content.body).toBe('Open reply');
    expect((await event(carol, said)).unsigned['m.relations']).toBeUndefined();
    for (const path of [relations, threads]) {
      const { status, body } = await carol.call('GET', path);
      expect([path, status, JSON.stringify(body).includes('Secret')]).toEqual([path, 200, false]);
      expect(JSON.stringify((await bob.call('GET', path)).body)).toContain('Secret reply');
    }
    expect((await event(bob, said)).unsigned['m.relations']['m.replace'].content.body).toBe('* Secret edit');
  });

  it('still holds where it is the state of the room', async () => {
    await send('m.room.topic', { topic: 'Our topic' }, { stateKey: '' });
    await erase();
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    await eventually(async () => {
      const few = { room: { timeline: { limit: 1 } } };
      const { state } = (await carol.with({}).sync({ filter: few })).rooms.join[roomId];
      expect(state.events).toContainEqual(expect.objectContaining({ content: { topic: 'Our topic' } }));
    });
  });

  it('is redacted at a replica that has started or slept since', async () => {
    const said = await send('m.room.message', { body: 'Secret message' });
    await erase();
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    await eventually(async () => {
      const text = 'SELECT 1 FROM sync.account_data WHERE user_id = $1';
      expect((await deployment.db.query({ text, values: [alice.userId] })).rows).toHaveLength(1);
    });
    const later = await deployment.start({ asOneOfMany: true });
    const there = carol.with({ url: later.url });
    expect(JSON.stringify(await everything(there, said))).not.toContain('Secret');
    await later.stop();
  });

  it('is nothing that their own account data tells', async () => {
    await erase();
    await eventually(async () => {
      const { account_data } = await alice.with({}).sync();
      expect(account_data.events.map(({ type }: ClientEvent) => type)).toEqual(['m.push_rules']);
    });
  });
});
