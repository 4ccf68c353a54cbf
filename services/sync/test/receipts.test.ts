import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { JoinedRoom, Person } from './support/person.js';

const NOTHING = `$${'x'.repeat(43)}`;

/** The receipts of a room as `<event> <type> <user> <thread>`. */
function receiptsIn(room: JoinedRoom | undefined): string[] {
  const events = room?.ephemeral.events.filter(({ type }) => type === 'm.receipt') ?? [];
  return events.flatMap(({ content }) =>
    Object.entries(
      content as Record<string, Record<string, Record<string, { ts: number; thread_id?: string }>>>,
    ).flatMap(([eventId, types]) =>
      Object.entries(types).flatMap(([type, users]) =>
        Object.entries(users).map(([userId, { thread_id }]) =>
          `${eventId} ${type} ${userId} ${thread_id ?? ''}`.trim(),
        ),
      ),
    ),
  );
}

const has = (receipt: string) => (room: JoinedRoom) => receiptsIn(room).includes(receipt);

describe.each(BUSES)('receipts, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let bob: Person;
  let roomId: string;
  let first: string;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    alice = deployment.person('alice', replicas[0]);
    bob = deployment.person('bob', replicas[1]);
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    first = await deployment.rooms.say(roomId, bob.userId, 'Hello');
    await Promise.all([alice.sees(roomId, first), bob.sees(roomId, first)]);
  });

  it('reach everybody in the room, once', async () => {
    expect(await alice.read(roomId, first)).toEqual({ status: 200, body: {} });
    const expected = `${first} m.read ${alice.userId}`;
    for (const reader of [alice, bob]) {
      const room = await reader.roomUntil(roomId, has(expected));
      expect(room.timeline.events).toEqual([]);
      expect(room.ephemeral.events).toEqual([
        { type: 'm.receipt', content: { [first]: { 'm.read': { [alice.userId]: { ts: expect.any(Number) } } } } },
      ]);
      expect(await reader.room(roomId)).toBeUndefined();
    }
  });

  it('are in one’s own next /sync, at whichever replica, with nothing left to read', async () => {
    for (let round = 0; round < 20; round++) {
      const eventId = await deployment.rooms.say(roomId, bob.userId, `${round}`);
      await alice.sees(roomId, eventId);
      const [, other] = round % 2 === 0 ? replicas : replicas.toReversed();
      const there = alice.with({ url: other!.url });
      there.since = alice.since;
      expect((await alice.read(roomId, eventId)).status).toBe(200);
      const room = await there.room(roomId, { timeout: round % 3 === 0 ? 5_000 : 0 });
      expect(receiptsIn(room)).toEqual([`${eventId} m.read ${alice.userId}`]);
      expect(room?.unread_notifications).toEqual({ notification_count: 0, highlight_count: 0 });
      alice = there;
    }
  });

  it('that say nothing new are taken, and tell nobody anything', async () => {
    await alice.read(roomId, first);
    await bob.roomUntil(roomId, has(`${first} m.read ${alice.userId}`));
    const { since } = bob;
    expect((await alice.read(roomId, first)).status).toBe(200);
    expect((await bob.sync({ timeout: 300 })).next_batch).toBe(since);
  });

  it('wake who waits', async () => {
    const waiting = bob.room(roomId, { timeout: 10_000 });
    await alice.read(roomId, first);
    expect(receiptsIn(await waiting)).toEqual([`${first} m.read ${alice.userId}`]);
  });

  it('are all there in an initial sync, at any replica', async () => {
    await alice.read(roomId, first);
    await bob.read(roomId, first, 'main');
    await bob.roomUntil(roomId, has(`${first} m.read ${bob.userId} main`));
    for (const { url } of replicas) {
      const receipts = receiptsIn(await alice.with({ url, deviceId: 'NEW' }).room(roomId));
      expect(receipts.sort()).toEqual([`${first} m.read ${alice.userId}`, `${first} m.read ${bob.userId} main`].sort());
    }
  });

  it('are told again to who comes with an old token, as the latest of each', async () => {
    const { since } = bob;
    const second = await deployment.rooms.say(roomId, bob.userId, 'Well?');
    await alice.sees(roomId, second);
    await alice.read(roomId, first);
    await alice.read(roomId, second);
    await alice.roomUntil(roomId, has(`${second} m.read ${alice.userId}`));
    for (const { url } of replicas) {
      const late = bob.with({ url });
      late.since = since;
      await late.roomUntil(roomId, has(`${second} m.read ${alice.userId}`));
    }
  });

  it('never go back', async () => {
    const second = await deployment.rooms.say(roomId, bob.userId, 'Well?');
    await alice.sees(roomId, second);
    await Promise.all([alice.read(roomId, second), alice.with({ url: replicas[1].url }).read(roomId, first)]);
    await bob.roomUntil(roomId, has(`${second} m.read ${alice.userId}`));
    await alice.read(roomId, first);
    const anew = await bob.with({ deviceId: 'NEW' }).room(roomId);
    expect(receiptsIn(anew)).toEqual([`${second} m.read ${alice.userId}`]);
  });

  it('are kept apart for each thread, and the one for all of the room says more', async () => {
    await alice.read(roomId, first);
    await alice.read(roomId, first, 'main');
    const reply = await deployment.rooms.say(roomId, bob.userId, 'In a thread', {
      'm.relates_to': { rel_type: 'm.thread', event_id: first },
    });
    await alice.sees(roomId, reply);
    await alice.read(roomId, reply, first);
    await bob.roomUntil(roomId, has(`${reply} m.read ${alice.userId} ${first}`));
    const anew = receiptsIn(await bob.with({ deviceId: 'NEW' }).room(roomId));
    expect(anew.sort()).toEqual([`${first} m.read ${alice.userId}`, `${reply} m.read ${alice.userId} ${first}`].sort());
  });

  it('that are private are for their user only', async () => {
    const { since } = bob;
    const waiting = bob.sync({ timeout: 700 });
    await alice.read(roomId, first, undefined, 'm.read.private');
    await alice.roomUntil(roomId, has(`${first} m.read.private ${alice.userId}`));
    expect((await waiting).rooms.join).toEqual({});
    expect(receiptsIn(await bob.with({ deviceId: 'NEW' }).room(roomId))).toEqual([]);
    const late = bob.with({ url: replicas[0].url });
    late.since = since;
    expect(await late.room(roomId)).toBeUndefined();
    const mine = alice.with({ url: replicas[1].url, deviceId: 'NEW' });
    expect(receiptsIn(await mine.room(roomId))).toEqual([`${first} m.read.private ${alice.userId}`]);
  });

  it('come with what a filter leaves of them', async () => {
    await alice.read(roomId, first);
    await alice.roomUntil(roomId, has(`${first} m.read ${alice.userId}`));
    const filtered = async (ephemeral: object) =>
      receiptsIn(await bob.with({ deviceId: 'NEW' }).room(roomId, { filter: { room: { ephemeral } } }));
    expect(await filtered({ not_types: ['m.receipt'] })).toEqual([]);
    expect(await filtered({ not_rooms: [roomId] })).toEqual([]);
    expect(await filtered({ types: ['m.rec*'] })).toHaveLength(1);
  });

  it('come to who joins, for all of the room', async () => {
    await alice.read(roomId, first);
    await alice.roomUntil(roomId, has(`${first} m.read ${alice.userId}`));
    const carol = deployment.person('carol', replicas[1]);
    await carol.sync();
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    await carol.roomUntil(roomId, has(`${first} m.read ${alice.userId}`));
  });

  it('of many at once arrive, whichever replica takes them', async () => {
    const people = Array.from({ length: 10 }, (_, i) => deployment.person('reader', replicas[i % 2] as Replica));
    for (const { userId } of people) await deployment.rooms.setMembership(roomId, userId, 'join');
    const answers = await Promise.all(people.map((person) => person.read(roomId, first)));
    expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200));
    const missing = new Set(people.map(({ userId }) => `${first} m.read ${userId}`));
    await bob.roomUntil(roomId, (room) => {
      for (const receipt of receiptsIn(room)) missing.delete(receipt);
      return missing.size === 0;
    });
  });

  it.each([
    ['an event of nobody', NOTHING, {}, 404, 'M_NOT_FOUND'],
    ['what is no event id', 'nothing', {}, 400, 'M_INVALID_PARAM'],
    ['an empty thread id', undefined, { thread_id: '' }, 400, 'M_INVALID_PARAM'],
    ['a thread id that is a number', undefined, { thread_id: 1 }, 400, 'M_INVALID_PARAM'],
    ['a thread that the event is not in', undefined, { thread_id: NOTHING }, 400, 'M_INVALID_PARAM'],
    ['a body that is a list', undefined, [], 400, 'M_BAD_JSON'],
  ])('do not name %s', async (_, eventId, body, status, errcode) => {
    const path = `rooms/${roomId}/receipt/m.read/${encodeURIComponent(eventId ?? first)}`;
    const answer = await alice.call('POST', path, body);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it('are of known types only, and need no body', async () => {
    expect((await alice.read(roomId, first, undefined, 'm.unread')).status).toBe(400);
    expect((await alice.call('POST', `rooms/${roomId}/receipt/m.read/${encodeURIComponent(first)}`)).status).toBe(200);
  });

  it('are not taken from outside, nor for events of other rooms', async () => {
    const other = await deployment.rooms.create(alice.userId);
    const elsewhere = await deployment.rooms.say(other, alice.userId, 'Alone');
    await alice.sees(other, elsewhere);
    expect((await alice.read(roomId, elsewhere)).status).toBe(404);
    expect((await bob.read(other, elsewhere)).status).toBe(403);
    await deployment.rooms.setMembership(roomId, bob.userId, 'leave');
    await bob.sync({ timeout: 1_000 });
    expect((await bob.read(roomId, first)).status).toBe(403);
  });

  it('in a thread may name its root and what relates to it, not what is elsewhere', async () => {
    const relate = (rel_type: string, event_id: string) => ({ 'm.relates_to': { rel_type, event_id } });
    const reply = await deployment.rooms.say(roomId, bob.userId, 'Reply', relate('m.thread', first));
    const edit = await deployment.rooms.say(roomId, bob.userId, 'Edit', relate('m.replace', reply));
    const aside = await deployment.rooms.say(roomId, bob.userId, 'Aside');
    await alice.sees(roomId, aside);
    const statusOf = async (eventId: string, threadId: string) => (await alice.read(roomId, eventId, threadId)).status;
    expect(await statusOf(first, first)).toBe(200);
    expect(await statusOf(reply, first)).toBe(200);
    expect(await statusOf(edit, first)).toBe(200);
    expect(await statusOf(aside, first)).toBe(400);
    expect(await statusOf(reply, 'main')).toBe(400);
    expect(await statusOf(aside, 'main')).toBe(200);
  });

  describe('read markers', () => {
    const mark = (body: object) => alice.call('POST', `rooms/${roomId}/read_markers`, body);
    const fullyRead = (room: JoinedRoom | undefined) =>
      room?.account_data.events.find(({ type }) => type === 'm.fully_read')?.content;

    it('set the fully read marker and receipts at once', async () => {
      const { status, body } = await mark({ 'm.fully_read': first, 'm.read': first, 'm.read.private': first });
      expect([status, body]).toEqual([200, {}]);
      const fresh = alice.with({ deviceId: 'NEW' });
      const room = await fresh.roomUntil(roomId, (room) => fullyRead(room) !== undefined);
      expect(fullyRead(room)).toEqual({ event_id: first });
      const expected = [`${first} m.read ${alice.userId}`, `${first} m.read.private ${alice.userId}`];
      await eventually(async () => {
        const receipts = receiptsIn(await alice.with({ deviceId: 'NEWER' }).room(roomId));
        expect(receipts.sort()).toEqual(expected);
      });
    });

    it('never go back, and concern nobody else', async () => {
      const second = await deployment.rooms.say(roomId, bob.userId, 'Well?');
      await alice.sees(roomId, second);
      await mark({ 'm.fully_read': second });
      await alice.roomUntil(roomId, (room) => fullyRead(room) !== undefined);
      expect((await alice.read(roomId, first, undefined, 'm.fully_read')).status).toBe(200);
      expect(fullyRead(await alice.with({ deviceId: 'NEW' }).room(roomId))).toEqual({ event_id: second });
      expect(fullyRead(await bob.with({ deviceId: 'NEW' }).room(roomId))).toBeUndefined();
    });

    it('set nothing at all when one of them is wrong', async () => {
      expect((await mark({ 'm.read': first, 'm.read.private': NOTHING })).body.errcode).toBe('M_NOT_FOUND');
      expect(receiptsIn(await alice.with({ deviceId: 'NEW' }).room(roomId))).toEqual([]);
    });

    it('may say nothing, and nothing wrong', async () => {
      expect((await mark({})).status).toBe(200);
      expect((await mark({ 'm.fully_read': NOTHING })).status).toBe(404);
      expect((await mark({ 'm.read': 1 })).body.errcode).toBe('M_BAD_JSON');
      expect((await alice.read(roomId, first, 'main', 'm.fully_read')).body.errcode).toBe('M_INVALID_PARAM');
    });
  });
});
