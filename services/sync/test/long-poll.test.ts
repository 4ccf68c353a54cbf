import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

const LONG = 30_000;
const positionOf = (token: string | undefined) => Number(token?.slice(1));

describe.each(BUSES)('who waits, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let bob: Person;
  let roomId: string;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    alice = deployment.person('alice', replicas[0]);
    bob = deployment.person('bob', replicas[1]);
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    const hello = await deployment.rooms.say(roomId, alice.userId, 'Hello');
    await Promise.all([alice.sees(roomId, hello), bob.sees(roomId, hello)]);
  });

  /** Begins to wait at a replica; `answered` resolves with the answer. */
  async function waiting(person: Person, replica: Replica) {
    const since = positionOf(person.since);
    const answered = person.sync({ timeout: LONG }).then((answer) => {
      expect(positionOf(answer.next_batch)).toBeGreaterThan(since);
      return answer;
    });
    await eventually(async () => expect(await replica.waiting()).toBe(1));
    return { answered };
  }

  const said = (sender: () => Person) => () => deployment.rooms.say(roomId, sender().userId, 'Hi');
  const CAUSES: [string, () => Promise<unknown>, (answer: never) => unknown][] = [
    ['an event of somebody else', said(() => alice), (answer) => at(answer, 'join')?.timeline.events[0].content.body],
    ['an event of their own', said(() => bob), (answer) => at(answer, 'join')?.timeline.events[0].content.body],
    [
      'account data',
      () => deployment.users.set(bob.userId, 'org.example', { value: 1 }),
      ({ account_data }: { account_data: { events: unknown[] } }) => account_data.events[0],
    ],
    [
      "a room's account data",
      () =>
        deployment.users.putAccountData({
          ...{ userId: bob.userId, roomId, type: 'org.example', contentJson: '{"value":1}', expectedSeq: 0 },
        }),
      (answer) => at(answer, 'join')?.account_data.events[0],
    ],
    ['somebody typing', () => alice.types(roomId, true), (answer) => at(answer, 'join')?.ephemeral.events[0].type],
    [
      'an invite',
      () => deployment.rooms.setMembership(other, bob.userId, 'invite', alice.userId),
      (answer) => at(answer, 'invite', other),
    ],
    [
      'being kicked',
      () => deployment.rooms.setMembership(roomId, bob.userId, 'leave', alice.userId),
      (answer) => at(answer, 'leave'),
    ],
  ];
  let other = '';
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  const at = (answer: any, section: string, room = roomId) => answer.rooms[section][room];

  it.each(CAUSES)('is woken by %s', async (__, cause, look) => {
    other = await deployment.rooms.create(alice.userId);
    const { answered } = await waiting(bob, replicas[1]);
    await cause();
    expect(look((await answered) as never)).toBeTruthy();
  });

  it('is woken by receipts', async () => {
    const eventId = await deployment.rooms.say(roomId, bob.userId, 'Read this');
    await Promise.all([alice.sees(roomId, eventId), bob.sees(roomId, eventId)]);
    const { answered } = await waiting(bob, replicas[1]);
    await alice.read(roomId, eventId);
    expect((await answered).rooms.join[roomId].ephemeral.events[0].content).toHaveProperty([eventId]);
  });

  it('is woken on each of their devices, and at each replica', async () => {
    const devices = replicas.flatMap(({ url }) => ['A', 'B'].map((deviceId) => bob.with({ url, deviceId })));
    await Promise.all(devices.map((device) => device.sync()));
    const all = devices.map((device) => device.sync({ timeout: LONG }));
    const eventId = await deployment.rooms.say(roomId, alice.userId, 'All of you');
    for (const answer of await Promise.all(all)) {
      expect(answer.rooms.join[roomId].timeline.events).toMatchObject([{ event_id: eventId }]);
    }
  });

  it('is not answered because of what happens to others, and gets a token at least as new', async () => {
    const elsewhere = await deployment.rooms.create(alice.userId);
    const since = bob.since;
    const asked = bob.sync({ timeout: 300 });
    const last = await deployment.rooms.say(elsewhere, alice.userId, 'Not for bob');
    await alice.sees(elsewhere, last);
    const answer = await asked;
    expect(answer.rooms).toEqual({ join: {}, leave: {} });
    expect(positionOf(answer.next_batch)).toBeGreaterThanOrEqual(positionOf(since));
  });

  it('is answered with the same token when nothing happens at all', async () => {
    await eventually(async () => {
      const { since } = bob;
      expect((await bob.sync({ timeout: 50 })).next_batch).toBe(since);
    });
  });

  it('is not answered because of what their filter leaves out', async () => {
    const asked = bob.sync({ timeout: 400, filter: { room: { timeline: { types: [] }, state: { types: [] } } } });
    const eventId = await deployment.rooms.say(roomId, alice.userId, 'Not this');
    await alice.sees(roomId, eventId);
    const answer = await asked;
    for (const room of Object.values(answer.rooms.join) as { timeline: { events: unknown[] } }[]) {
      expect(room.timeline.events).toEqual([]);
    }
  });

  it('is answered when the replica is about to stop, and goes on at another one', async () => {
    const third = await deployment.start();
    const carol = bob.with({ url: third.url, deviceId: 'THIRD' });
    await carol.sync();
    const asked = carol.sync({ timeout: LONG });
    await eventually(async () => expect(await third.waiting()).toBe(1));
    const [answer] = await Promise.all([asked, third.drain()]);
    expect(answer.rooms.join).toEqual({});
    await third.stop();
    const there = bob.with({ deviceId: 'THIRD' });
    there.since = answer.next_batch;
    const eventId = await deployment.rooms.say(roomId, alice.userId, 'Welcome back');
    expect((await there.sees(roomId, eventId)).timeline.events).toHaveLength(1);
  });

  it('gets 401 at once when their session ends, at each replica, and no message that comes then', async () => {
    const devices = replicas.map(({ url }) => bob.with({ url }));
    await Promise.all(devices.map((device) => device.sync()));
    const other = bob.with({ deviceId: 'OTHER' });
    await other.sync();
    const query = (person: Person) => `sync?${new URLSearchParams({ since: person.since!, timeout: String(LONG) })}`;
    const waiting = devices.map((device) => device.call('GET', query(device)));
    for (const replica of replicas) await eventually(async () => expect(await replica.waiting()).toBe(1));
    const goingOn = other.sync({ timeout: LONG });
    await eventually(async () => expect(await replicas[1].waiting()).toBe(2));
    deployment.tokens.end(bob.userId);
    const eventId = await deployment.rooms.say(roomId, alice.userId, 'Not for who is logged out');
    for (const { status, body } of await Promise.all(waiting)) {
      expect([status, body.errcode, body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', false]);
    }
    expect((await goingOn).rooms.join[roomId].timeline.events).toMatchObject([{ event_id: eventId }]);
    for (const replica of replicas) await eventually(async () => expect(await replica.waiting()).toBe(0));
  });

  it('leaves nothing behind when they hang up', async () => {
    const hangUp = new AbortController();
    const query = new URLSearchParams({ since: bob.since ?? '', timeout: String(LONG) });
    const asked = fetch(`${replicas[1].url}/_matrix/client/v3/sync?${query}`, {
      headers: { authorization: `Bearer ${encodeURIComponent(`${bob.userId} DEVICE`)}` },
      signal: hangUp.signal,
    });
    await eventually(async () => expect(await replicas[1].waiting()).toBe(1));
    hangUp.abort();
    await expect(asked).rejects.toThrow();
    await eventually(async () => expect(await replicas[1].waiting()).toBe(0));
  });
});
