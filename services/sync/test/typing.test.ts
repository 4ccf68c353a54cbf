import { setTimeout as sleep } from 'node:timers/promises';
import { BUSES } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { JoinedRoom, Person } from './support/person.js';

/** Who is typing, as an answer says; undefined when it says nothing. */
function typists(room: JoinedRoom | undefined): string[] | undefined {
  return room?.ephemeral.events.find(({ type }) => type === 'm.typing')?.content.user_ids;
}

describe.each(BUSES)('typing, on the %s bus', (_, makeBus) => {
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
    const hello = await deployment.rooms.say(roomId, bob.userId, 'Hello');
    await Promise.all([alice.sees(roomId, hello), bob.sees(roomId, hello)]);
  });

  const untilTyping = (person: Person, ...users: Person[]) =>
    person.roomUntil(roomId, (room) => typists(room)?.join() === users.map(({ userId }) => userId).join());

  it('is told once to who waits, until it ends', async () => {
    const waiting = bob.room(roomId, { timeout: 10_000 });
    expect(await alice.types(roomId, true)).toEqual({ status: 200, body: {} });
    expect((await waiting)?.ephemeral.events).toEqual([{ type: 'm.typing', content: { user_ids: [alice.userId] } }]);
    const next = bob.room(roomId, { timeout: 10_000 });
    await alice.types(roomId, true);
    await sleep(200);
    await alice.types(roomId, false);
    expect(typists(await next)).toEqual([]);
    expect(await bob.room(roomId)).toBeUndefined();
  });

  it('is in one’s own next /sync, at whichever replica', async () => {
    for (let round = 0; round < 20; round++) {
      const [, other] = round % 2 === 0 ? replicas : replicas.toReversed();
      const there = alice.with({ url: other!.url });
      there.since = alice.since;
      const begins = round % 2 === 0;
      await alice.types(roomId, begins);
      const room = await there.room(roomId, { timeout: round % 3 === 0 ? 5_000 : 0 });
      expect(typists(room)).toEqual(begins ? [alice.userId] : []);
      alice = there;
    }
  });

  it('lists all who type, at any replica', async () => {
    await alice.types(roomId, true);
    await untilTyping(bob, alice);
    await bob.types(roomId, true);
    await untilTyping(bob, alice, bob);
    for (const { url } of replicas) {
      const fresh = bob.with({ url, deviceId: 'NEW' });
      expect(typists(await fresh.room(roomId))).toEqual([alice.userId, bob.userId]);
    }
  });

  it('is told, as it is now, to who comes with an old token', async () => {
    const { since } = bob;
    await alice.types(roomId, true);
    await untilTyping(bob, alice);
    await alice.types(roomId, false);
    await untilTyping(bob);
    for (const { url } of replicas) {
      const late = bob.with({ url });
      late.since = since;
      expect(typists(await late.room(roomId))).toEqual([]);
    }
    expect(typists(await bob.with({ deviceId: 'NEW' }).room(roomId))).toBeUndefined();
  });

  it('ends by itself', async () => {
    await alice.types(roomId, true, 1_000);
    await untilTyping(bob, alice);
    await untilTyping(bob);
  });

  it('is over at once when it is to last no time', async () => {
    await alice.types(roomId, true);
    await untilTyping(bob, alice);
    await alice.types(roomId, true, 0);
    await untilTyping(bob);
  });

  it('goes on when one sends a message: it lasts until its end is told or its time is over', async () => {
    await alice.types(roomId, true);
    await untilTyping(bob, alice);
    const message = await deployment.rooms.say(roomId, alice.userId, 'Here is the first part');
    expect(typists(await bob.sees(roomId, message))).toBeUndefined();
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$x', key: '!' } };
    const reaction = await deployment.rooms.send(roomId, { type: 'm.reaction', sender: alice.userId, content });
    expect(typists(await bob.sees(roomId, reaction))).toBeUndefined();
    expect(typists(await bob.with({ deviceId: 'NEW' }).room(roomId))).toEqual([alice.userId]);
    await alice.types(roomId, false);
    await untilTyping(bob);
  });

  it('ends when one leaves', async () => {
    await alice.types(roomId, true);
    await untilTyping(bob, alice);
    await deployment.rooms.setMembership(roomId, alice.userId, 'leave');
    await untilTyping(bob);
  });

  it('of those whom one ignores is not shown', async () => {
    await deployment.users.set(bob.userId, 'm.ignored_user_list', { ignored_users: { [alice.userId]: {} } });
    await bob.sync({ timeout: 5_000 });
    await alice.types(roomId, true);
    await bob.types(roomId, true);
    await untilTyping(bob, bob);
  });

  it('does not leak out of the room', async () => {
    const carol = deployment.person('carol', replicas[0]);
    await carol.sync();
    await alice.types(roomId, true);
    await untilTyping(bob, alice);
    expect((await carol.sync({ timeout: 300 })).rooms.join).toEqual({});
    const filter = { room: { ephemeral: { not_types: ['m.typing'] } } };
    expect(typists(await bob.with({ deviceId: 'NEW' }).room(roomId, { filter }))).toBeUndefined();
  });

  it('is known at a replica that has only just begun to listen', async () => {
    const { since } = bob;
    await alice.types(roomId, true);
    await untilTyping(bob, alice);
    const telling = bob.since;
    const cold = await deployment.start({ asOneOfMany: true });
    const there = bob.with({ url: cold.url });
    there.since = since;
    expect(typists(await there.room(roomId))).toEqual([alice.userId]);
    expect(typists(await bob.with({ url: cold.url, deviceId: 'NEW' }).room(roomId))).toEqual([alice.userId]);
    await alice.types(roomId, false);
    const colder = await deployment.start({ asOneOfMany: true });
    const elsewhere = bob.with({ url: colder.url });
    elsewhere.since = telling;
    expect(typists(await elsewhere.room(roomId))).toEqual([]);
    await Promise.all([cold.stop(), colder.stop()]);
  });

  it('ends when the appender is gone without a word', async () => {
    const own = await Deployment.create(makeBus);
    const [first, second] = [await own.start(), await own.start()];
    const [carol, dave] = [own.person('carol', second), own.person('dave', second)];
    const room = await own.rooms.create(carol.userId, dave.userId);
    await dave.roomUntil(room, () => true);
    await carol.types(room, true);
    await dave.roomUntil(room, (told) => typists(told)?.[0] === carol.userId);
    first.trouble.isCutOff = true;
    await dave.roomUntil(room, (told) => typists(told)?.length === 0);
    expect(typists(await dave.with({ deviceId: 'NEW' }).room(room))).toBeUndefined();
    await carol.types(room, true);
    await dave.roomUntil(room, (told) => typists(told)?.[0] === carol.userId);
    await own.close();
  }, 60_000);

  it('goes on when another replica takes over', async () => {
    const third = await deployment.start();
    const carol = deployment.person('carol', third);
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    await carol.roomUntil(roomId, () => true);
    await alice.types(roomId, true, 4_000);
    await untilTyping(carol, alice);
    const others = replicas;
    replicas = [await deployment.start(), await deployment.start()];
    await Promise.all(others.map((replica) => replica.stop()));
    expect(typists(await carol.with({ deviceId: 'NEW' }).room(roomId))).toEqual([alice.userId]);
    await untilTyping(carol);
  }, 40_000);

  it.each([
    ['somebody else', () => `typing/${encodeURIComponent(bob.userId)}`, { typing: true }, 403, 'M_FORBIDDEN'],
    ['nothing', () => `typing/${encodeURIComponent(alice.userId)}`, {}, 400, 'M_BAD_JSON'],
    ['no time', () => `typing/${encodeURIComponent(alice.userId)}`, { typing: true, timeout: -1 }, 400, 'M_BAD_JSON'],
    ['text', () => `typing/${encodeURIComponent(alice.userId)}`, { typing: 'yes' }, 400, 'M_BAD_JSON'],
  ])('is not taken for %s', async (_, path, body, status, errcode) => {
    const answer = await alice.call('PUT', `rooms/${encodeURIComponent(roomId)}/${path()}`, body);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it('is not taken from who is not in the room', async () => {
    const carol = deployment.person('carol', replicas[0]);
    expect((await carol.types(roomId, true)).body.errcode).toBe('M_FORBIDDEN');
    expect((await carol.types('!nowhere:one.test', true)).status).toBe(403);
  });
});
