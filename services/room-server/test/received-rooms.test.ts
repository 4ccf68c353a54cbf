import { PduFate } from '@ganglion/contracts/room';
import { ready, splitStateTuple } from '@ganglion/protocol';
import { PostgresIntakeStore } from '../src/storage/intake-store.js';
import { enter, FarRoom, REMOTE, receive } from './support/far-room.js';
import { headOf, keptEvents, StateMaps } from './support/received-room.js';
import { ALICE, BOB, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());

const farRoom = (version?: string, joinRule?: string) => new FarRoom(servers.keys, version, joinRule);

describe.each(['1', '10', '12'])('a room of version %s that is joined by way of another server', (version) => {
  it('has the state that the other says, and goes on from there', async () => {
    const room = farRoom(version);
    for (let index = 0; index < 30; index++) room.join(`@user${index}:far.test`);
    const join = room.join(ALICE);
    expect(await enter(replicas[0], room, join.eventId)).toMatchObject({ fate: PduFate.ACCEPTED, reason: '' });
    const { roomId } = room.writer;
    const head = await headOf(replicas[0].db, roomId);
    expect(head.entries).toEqual([...join.stateAfter.values()].sort());
    expect([head.joined, head.joinedByHost]).toEqual([32, 32]);
    const sent = await send(replicas[1], roomId, ALICE);
    expect(sent.roomSeq).toBe(2);
    const next = room.message('after', [join.eventId]);
    const { outcomes } = await receive(replicas[0], room, [next.json]);
    expect(outcomes[0]).toMatchObject({ fate: PduFate.ACCEPTED });
    expect((await headOf(replicas[0].db, roomId)).extremities).toEqual([next.eventId, sent.eventId].sort());
    const merged = await send(replicas[1], roomId, ALICE);
    expect((await headOf(replicas[0].db, roomId)).extremities).toEqual([merged.eventId]);
    const { serverNames } = await replicas[0].roomIntake.listRoomServers({ roomId });
    expect(serverNames).toEqual(['far.test', 'one.test']);
  });
});

describe('a room with more members than one message can tell', () => {
  it('is told in pages, by reference from the join', async () => {
    const room = farRoom();
    for (let index = 0; index < 900; index++) room.join(`@user${index}:far.test`);
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const { roomId } = room.writer;
    const query = { roomId, afterSeq: 0, limit: 10, backfilled: false };
    const { events } = await replicas[1].roomLog.getRoomEvents(query);
    expect(events?.events).toMatchObject([{ eventId: join.eventId, hasMoreStateChanges: true, stateChanges: [] }]);
    const told = new Map<string, string | undefined>();
    for (let afterKey: number | undefined = 0; afterKey !== undefined; ) {
      const page = await replicas[1].roomLog.getStateChanges({ roomId, roomSeq: 1, afterKey, limit: 250 });
      expect(page.changes.length).toBeLessThanOrEqual(250);
      for (const { eventId, membership } of page.changes) told.set(eventId, membership);
      afterKey = page.nextKey;
    }
    expect([...told.keys()].sort()).toEqual([...join.stateAfter.values()].sort());
    expect(told.get(join.eventId)).toBe('join');
    expect([...told.values()].filter((membership) => membership === 'join')).toHaveLength(902);
  });
});

describe('an event that follows what was before our time', () => {
  it('waits, and is new when that has been fetched', async () => {
    const room = farRoom();
    const before = room.message('before');
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const late = room.message('on a fork from before', [before.eventId]);
    const { outcomes } = await receive(replicas[0], room, [late.json]);
    expect(outcomes).toMatchObject([{ fate: PduFate.WAITING, missingEventIds: [before.eventId] }]);
    const history = room.writer.events.slice(0, room.writer.events.indexOf(join)).map(({ json }) => json);
    const fetched = await receive(replicas[1], room, history, true);
    expect(fetched.outcomes.every(({ fate }) => fate === PduFate.ACCEPTED)).toBe(true);
    const kept = await keptEvents(replicas[0].db, room.writer.roomId);
    expect(kept.find(({ eventId }) => eventId === late.eventId)).toMatchObject({ status: 'accepted', seq: 2 });
  });
});

describe('a gap in which more has happened than one message can tell', () => {
  it('is told in pages, also when the room has gone on since', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    for (let index = 0; index < 450; index++) room.join(`@user${index}:far.test`);
    const found = room.message('found');
    // On the other side of the gap something happens too, so that no event stands on what both sides come to.
    const { roomId } = room.writer;
    await send(replicas[0], roomId, ALICE, {
      ...{ type: 'm.room.member', stateKey: ALICE, content: { membership: 'join', displayname: 'Alice' } },
    });
    expect(await enter(replicas[0], room, found.eventId)).toMatchObject({ fate: PduFate.ACCEPTED });
    for (const topic of ['one', 'two']) {
      const { outcomes } = await receive(replicas[0], room, [room.state('m.room.topic', { topic }).json]);
      expect(outcomes[0]).toMatchObject({ fate: PduFate.ACCEPTED });
    }
    const query = { roomId, afterSeq: 2, limit: 1, backfilled: false };
    const { events } = await replicas[1].roomLog.getRoomEvents(query);
    expect(events?.events).toMatchObject([{ eventId: found.eventId, hasMoreStateChanges: true, stateChanges: [] }]);
    const page = await replicas[1].roomLog.getStateChanges({ roomId, roomSeq: 3, afterKey: 0, limit: 1_000 });
    expect(page.changes.map(({ membership }) => membership)).toEqual(Array.from({ length: 450 }, () => 'join'));
  });
});

describe('events that come before what they follow', () => {
  it('wait, say what is missing, and get their places when it comes', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const chain = ['one', 'two', 'three', 'four'].map((body) => room.message(body));
    const late = await receive(replicas[0], room, [chain[3]!.json, chain[2]!.json]);
    expect(late.outcomes.map(({ fate }) => fate)).toEqual([PduFate.WAITING, PduFate.WAITING]);
    expect(late.outcomes.map(({ missingEventIds }) => missingEventIds)).toEqual([
      [chain[2]!.eventId],
      [chain[1]!.eventId],
    ]);
    const again = await receive(replicas[1], room, [chain[2]!.json]);
    expect(again.outcomes[0]).toMatchObject({ fate: PduFate.WAITING, missingEventIds: [chain[1]!.eventId] });
    await receive(replicas[1], room, [chain[1]!.json]);
    await receive(replicas[0], room, [chain[0]!.json]);
    const kept = await keptEvents(replicas[0].db, room.writer.roomId);
    const seqs = new Map(kept.map(({ eventId, seq }) => [eventId, seq]));
    expect(chain.map(({ eventId }) => seqs.get(eventId))).toEqual([2, 3, 4, 5]);
    expect((await headOf(replicas[0].db, room.writer.roomId)).extremities).toEqual([chain[3]!.eventId]);
  });

  it('are looked at once nothing is missing, however many others wait for more', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const { roomId } = room.writer;
    const [known, unknown] = [room.join('@one:far.test'), room.join('@two:far.test')];
    const waiting = Array.from({ length: 250 }, (_, n) => room.message(`${n}`, [known.eventId, unknown.eventId]));
    // Its sender came on another branch, so that it is refused as soon as it is looked at.
    const early = { type: 'm.room.message', sender: '@three:far.test', content: {}, origin_server_ts: 1 };
    const three = room.join('@three:far.test');
    const authEvents = [...(three.pdu.auth_events as string[]), three.eventId];
    const said = Array.from({ length: 5 }, (_, n) =>
      room.writer.write({ ...early, content: { n } }, [join.eventId], { authEvents }),
    );
    await receive(
      replicas[0],
      room,
      [...waiting, ...said].map(({ json }) => json),
    );
    // What is known without a place keeps the first ones waiting, and the others no more.
    const pdusJson = [known.json, three.json];
    await replicas[0].roomIntake.storeOutliers({ roomId, roomVersion: undefined, pdusJson });
    const kept = new Map((await keptEvents(replicas[0].db, roomId)).map(({ eventId, status }) => [eventId, status]));
    expect(said.map(({ eventId }) => kept.get(eventId))).toEqual(said.map(() => 'rejected'));
    expect(new Set(waiting.map(({ eventId }) => kept.get(eventId)))).toEqual(new Set(['waiting']));
  });

  it('are not tried again and again where what they follow has no place, as the beginning of a room that was joined later', async () => {
    for (const version of ['1', '11']) {
      const room = farRoom(version);
      const [create] = room.writer.events;
      const join = room.join(ALICE);
      await enter(replicas[0], room, join.eventId);
      const { roomId } = room.writer;
      const [topic, unknown] = [room.state('m.room.topic', { topic: 'one' }), room.join('@one:far.test')];
      const stuck = room.message('stuck \0', [create!.eventId, join.eventId]);
      const both = room.message('stuck twice', [create!.eventId, unknown.eventId]);
      const late = room.message('late', [topic.eventId]);
      const texts = [stuck, both, late].map(({ json }) => json);
      const { outcomes } = await receive(replicas[0], room, texts);
      expect(outcomes.map(({ fate }) => fate)).toEqual([PduFate.WAITING, PduFate.WAITING, PduFate.WAITING]);
      const pdusJson = [unknown.json];
      await replicas[0].roomIntake.storeOutliers({ roomId, roomVersion: undefined, pdusJson });
      const text = 'SELECT room_nid AS nid FROM room_server.rooms WHERE room_id = $1';
      const { nid } = (await replicas[0].db.query<{ nid: number }>({ text, values: [roomId] })).rows[0]!;
      const store = new PostgresIntakeStore(replicas[0].db, { allocate: () => Promise.reject(new Error('none')) });
      expect(await store.released(roomId, nid, [])).toEqual([]);
      await receive(replicas[0], room, [topic.json]);
      const kept = new Map((await keptEvents(replicas[0].db, roomId)).map(({ eventId, status }) => [eventId, status]));
      const statuses = [stuck, both, late].map(({ eventId }) => kept.get(eventId));
      expect(statuses).toEqual(['waiting', 'waiting', 'accepted']);
      // The beginning gets its place with what comes after it.
      const history = room.writer.events.slice(0, room.writer.events.indexOf(join)).map(({ json }) => json);
      await receive(replicas[0], room, history, true);
      const then = new Map((await keptEvents(replicas[0].db, roomId)).map(({ eventId, status }) => [eventId, status]));
      expect(then.get(stuck.eventId)).not.toBe('waiting');
      expect(then.get(both.eventId)).toBe('waiting');
    }
  });

  it('leave a gap that a given state bridges, and that may be filled later', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const lost = [room.message('lost'), room.state('m.room.topic', { topic: 'lost' }), room.message('lost, too')];
    const found = room.message('found');
    expect(await enter(replicas[0], room, found.eventId)).toMatchObject({ fate: PduFate.ACCEPTED });
    const { roomId } = room.writer;
    const { db } = replicas[0];
    expect((await headOf(db, roomId)).entries).toEqual([...found.stateAfter.values()].sort());
    await receive(
      replicas[1],
      room,
      lost.map(({ json }) => json),
      true,
    );
    const kept = await keptEvents(db, roomId);
    const seqs = new Map(kept.map(({ eventId, seq }) => [eventId, seq]));
    expect(lost.map(({ eventId }) => seqs.get(eventId))).toEqual([-1, -2, -3]);
    const states = await StateMaps.read(db, (await headOf(db, roomId)).nid, kept);
    for (const { eventId, stateAfter } of lost) {
      const { after } = kept.find((event) => event.eventId === eventId)!;
      expect(states.idsOf(after)).toEqual([...stateAfter.values()].sort());
    }
    expect((await headOf(db, roomId)).extremities).toContain(found.eventId);
    const query = { roomId, afterSeq: 0, limit: 10, backfilled: true };
    const { events } = await replicas[0].roomLog.getRoomEvents(query);
    expect(events?.events.map(({ eventId }) => eventId)).toEqual(lost.map(({ eventId }) => eventId));
    const roomNid = (await headOf(db, roomId)).nid;
    const ids = new Map(kept.map(({ nid, eventId }) => [nid, eventId]));
    const at = async (eventNid: number, others: boolean, allMembers: boolean, userIds: string[]) => {
      const asked = { roomNid, eventNid, others, allMembers, userIds };
      const { eventNids, unknown } = await replicas[1].roomLog.getStateAtEvent(asked);
      expect(unknown).toBe(false);
      return eventNids.map((nid) => ids.get(nid)).sort();
    };
    for (const { eventNid, eventId } of events!.events) {
      const { stateAfter } = lost.find((event) => event.eventId === eventId)!;
      const entries = [...stateAfter].map(([tuple, id]) => [splitStateTuple(tuple), id] as const);
      const members = entries.filter(([[type]]) => type === 'm.room.member').map(([, id]) => id);
      expect(await at(eventNid, true, true, [])).toEqual(entries.map(([, id]) => id).sort());
      expect(await at(eventNid, false, true, [])).toEqual(members.sort());
      expect(await at(eventNid, false, false, [ALICE, BOB])).toEqual([join.eventId]);
    }
  });
});

it('history has its place that follows more events than what is new may', async () => {
  const room = farRoom();
  const first = room.writer.events.at(-1)!.eventId;
  const branches = Array.from({ length: 25 }, (_, index) => room.message(`branch ${index}`, [first]));
  const merging = room.message(
    'merging',
    branches.map(({ eventId }) => eventId),
  );
  const join = room.join(ALICE);
  await enter(replicas[0], room, join.eventId);
  const history = room.writer.events.slice(0, -1).map(({ json }) => json);
  const fresh = await receive(replicas[0], room, [merging.json]);
  expect(fresh.outcomes).toMatchObject([{ fate: PduFate.INVALID }]);
  const { outcomes } = await receive(replicas[1], room, history, true);
  expect(outcomes.map(({ fate }) => fate)).toEqual(history.map(() => PduFate.ACCEPTED));
});

it('what the state was at an event that has no place is said to be unknown', async () => {
  const room = farRoom();
  const join = room.join(ALICE);
  await enter(replicas[0], room, join.eventId);
  const { roomId } = room.writer;
  const roomNid = (await headOf(replicas[0].db, roomId)).nid;
  const outlier = (await keptEvents(replicas[0].db, roomId)).find(({ status }) => status === 'outlier')!;
  const asked = { roomNid, eventNid: outlier.nid, others: true, allMembers: true, userIds: [] };
  expect(await replicas[0].roomLog.getStateAtEvent(asked)).toEqual({ eventNids: [], unknown: true });
});

describe('what somebody says who came within a gap', () => {
  it('is seen, unless they were banned here meanwhile', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const { roomId } = room.writer;
    const newcomer = '@newcomer:far.test';
    room.join(newcomer);
    await send(replicas[0], roomId, ALICE);
    const found = room.message('found', undefined, newcomer);
    expect(await enter(replicas[0], room, found.eventId)).toMatchObject({ fate: PduFate.ACCEPTED, reason: '' });
    const ban = room.state('m.room.member', { membership: 'ban' }, newcomer);
    await receive(replicas[0], room, [ban.json]);
    const late = room.message('late', [found.eventId], newcomer);
    const { outcomes } = await receive(replicas[0], room, [late.json]);
    expect(outcomes[0]).toMatchObject({ fate: PduFate.SOFT_FAILED });
  });
});

describe('a room with many forks', () => {
  it('is merged by an event of ours before they become too many', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const forks = Array.from({ length: 30 }, (_, index) => room.message(`fork ${index}`, [join.eventId]));
    for (const { json } of forks) await receive(replicas[0], room, [json]);
    expect((await headOf(replicas[0].db, room.writer.roomId)).extremities.length).toBeLessThanOrEqual(11);
  });
});

describe('a change that undoes many others', () => {
  it('is followed, in one transaction, by members who are what they were again', async () => {
    const room = farRoom();
    const [mod, ...users] = ['mod', ...Array.from({ length: 12 }, (_, i) => `user${i}`)].map(
      (name) => `@${name}:far.test`,
    );
    for (const user of [mod!, ...users]) room.join(user);
    room.state('m.room.power_levels', { users: { [REMOTE]: 100, [mod!]: 50 } });
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const bans = users.map((user) => room.state('m.room.member', { membership: 'ban' }, user, mod));
    const answer = await receive(
      replicas[0],
      room,
      bans.map(({ json }) => json),
    );
    expect(answer.outcomes.every(({ fate }) => fate === PduFate.ACCEPTED)).toBe(true);
    const demoted = room.say(
      {
        ...{ type: 'm.room.power_levels', sender: REMOTE, state_key: '', origin_server_ts: 1 },
        content: { users: { [REMOTE]: 100 } },
      },
      [join.eventId],
    );
    const said = [0, 1].map((index) => room.message(`still here ${index}`, undefined, users[index]));
    const { outcomes } = await receive(
      replicas[1],
      room,
      [demoted, ...said].map(({ json }) => json),
    );
    expect(outcomes.map(({ fate }) => fate)).toEqual([PduFate.ACCEPTED, PduFate.ACCEPTED, PduFate.ACCEPTED]);
    expect((await headOf(replicas[0].db, room.writer.roomId)).joined).toBe(15);
  });
});

describe('a state event of before our time that is sent again', () => {
  it('goes on authorising what comes, and gets its place when what was before it has come', async () => {
    const room = farRoom();
    const before = room.message('before');
    const topic = room.state('m.room.topic', { topic: 'cake' });
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const state = room.writer.events.filter(({ pdu }) => pdu.state_key !== undefined);
    const again = state.filter((event) => event !== join).map(({ json }) => json);
    for (const text of again) {
      const { outcomes } = await receive(replicas[1], room, [text]);
      expect([PduFate.WAITING, PduFate.ACCEPTED, PduFate.OUTLIER]).toContain(outcomes[0]!.fate);
    }
    const said = room.message('after');
    const { outcomes } = await receive(replicas[1], room, [said.json]);
    expect(outcomes[0]).toMatchObject({ eventId: said.eventId, fate: PduFate.ACCEPTED });
    const beginning = room.writer.events.slice(0, room.writer.events.indexOf(topic)).map(({ json }) => json);
    expect(beginning).toContain(before.json);
    const backfilled = await receive(replicas[0], room, beginning, true);
    expect(backfilled.outcomes.map(({ fate }) => fate)).toEqual(beginning.map(() => PduFate.ACCEPTED));
    const late = await receive(replicas[0], room, [topic.json], true);
    expect(late.outcomes[0]).toMatchObject({ fate: PduFate.ACCEPTED });
  });
});
