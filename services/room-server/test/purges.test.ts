import { PduFate } from '@ganglion/contracts/room';
import type { Database } from '@ganglion/database';
import { ready } from '@ganglion/protocol';
import { eventually } from '@ganglion/testing';
import { spawnTypeScript } from '../../../libs/testing/src/child-process.js';
import { Purger } from '../src/domain/purging/purger.js';
import { Retention } from '../src/domain/purging/retention.js';
import { joinFromFar } from './support/far-memberships.js';
import { enter, FAR, FarRoom, receive } from './support/far-room.js';
import { purgeAll, purgeBefore, purgesOf, sayMany, told } from './support/purges.js';
import { ALICE, BOB, change, countOf, createRoom, roomNidOf, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

const ACCEPTED = PduFate.ACCEPTED;
const TIMEOUT_MS = 120_000;
const DAY_MS = 86_400_000;
/** Connections of the test's database that wait for a lock. */
const BLOCKED = `pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());

async function countMessages(roomId: string): Promise<number> {
  return countOf(replicas[0].db, 'room_server.events WHERE room_nid = $1 AND state_key IS NULL', [
    await roomNidOf(replicas[0].db, roomId),
  ]);
}

describe('a purge of what came before an event', () => {
  it('takes messages and leaves state, the event and what came after it', async () => {
    const [one, two] = replicas;
    const roomId = await createRoom(one);
    const old = await sayMany(one, roomId, 20);
    await change(one, roomId, BOB, 'join');
    const [kept] = await sayMany(one, roomId, 3);
    const before = (await told(one, roomId)).ids;
    const purgeId = await purgeBefore(one, roomId, kept!);
    const { ids, purges } = await told(two, roomId);
    expect(ids).toEqual(before.filter((id) => !old.includes(id)));
    expect(purges.map(({ purgeSeq }) => purgeSeq)).toEqual([1]);
    expect(purges[0]!.eventNids).toHaveLength(20);
    expect(await two.roomPurges.getPurgeStatus({ purgeId })).toEqual({ isComplete: true, deleted: 20 });
    const { events } = await two.roomLog.getEvents({ roomId, eventIds: [...old, kept!], eventNids: [], roomNids: [] });
    expect(events.map(({ eventId }) => eventId)).toEqual([kept]);
    await send(two, roomId, BOB);
    const { heads } = await two.roomLog.listRoomHeads({ sinceCursor: 0, afterRoom: 0, limit: 0 });
    expect(heads.find((head) => head.roomId === roomId)).toMatchObject({ purgeSeq: 1 });
  });

  it('leaves what our users have sent, unless that is to go, too', async () => {
    const roomId = await createRoom(replicas[0]);
    const old = await sayMany(replicas[0], roomId, 3);
    const kept = await send(replicas[0], roomId, ALICE);
    await purgeBefore(replicas[0], roomId, kept.eventId, false);
    expect((await told(replicas[0], roomId)).ids).toEqual(expect.arrayContaining(old));
    await purgeBefore(replicas[0], roomId, kept.eventId, true);
    expect(await countMessages(roomId)).toBe(1);
  });

  it('leaves the end of the room, so that the next event can follow it', async () => {
    const roomId = await createRoom(replicas[0]);
    const said = await sayMany(replicas[0], roomId, 5);
    await replicas[0].roomPurges.purgeHistory({ roomId, beforeTs: Date.now() + DAY_MS, deleteLocalEvents: true });
    await purgeAll(replicas[1].db);
    expect((await told(replicas[1], roomId)).ids.slice(5)).toEqual([said.at(-1)]);
    for (const replica of replicas) await send(replica, roomId, ALICE);
  });

  it('never shows again what was redacted: a redaction stays as long as what it redacts', async () => {
    const roomId = await createRoom(replicas[0]);
    const [message] = await sayMany(replicas[0], roomId, 1);
    const secret = { name: 'a secret' };
    const name = await send(replicas[0], roomId, ALICE, { type: 'm.room.name', stateKey: '', content: secret });
    for (const redacts of [message!, name.eventId]) {
      await send(replicas[0], roomId, ALICE, { type: 'm.room.redaction', content: {}, redacts });
    }
    const { eventId } = await send(replicas[0], roomId, ALICE);
    await purgeBefore(replicas[0], roomId, eventId);
    expect(await countMessages(roomId)).toBe(2);
    const asked = { roomId, eventIds: [name.eventId], eventNids: [], roomNids: [] };
    const { events } = await replicas[1].roomLog.getEvents(asked);
    expect(JSON.parse(events[0]!.pduJson).content).toEqual({});
    expect(events[0]!.redactedBecause).toBeDefined();
  });

  it('says what it does not know', async () => {
    const { roomPurges } = replicas[0];
    const request = { beforeTs: 1, deleteLocalEvents: true };
    await expect(roomPurges.purgeHistory({ roomId: '!none:one.test', ...request })).rejects.toMatchObject({
      status: 404,
    });
    const roomId = await createRoom(replicas[0]);
    const other = { roomId, beforeEventId: '$none', deleteLocalEvents: true };
    await expect(roomPurges.purgeHistory(other)).rejects.toMatchObject({ status: 404 });
    expect(await roomPurges.getPurgeStatus({ purgeId: 'none' })).toEqual({ isComplete: undefined, deleted: 0 });
  });

  it('leaves other servers to find events by their times, and to walk back as far as there are any', async () => {
    const roomId = await createRoom(replicas[0]);
    await joinFromFar(replicas[0], roomId);
    const times = [1, 2, 3, 4, 5, 6, 7, 8].map((day) => Date.now() + day * DAY_MS);
    const sent: string[] = [];
    for (const originServerTs of times) sent.push((await send(replicas[0], roomId, ALICE, { originServerTs })).eventId);
    await purgeBefore(replicas[0], roomId, sent[5]!);
    const { roomFederation } = replicas[1];
    const find = async (ts: number, backwards: boolean) =>
      (await roomFederation.findEventAtTimestamp({ serverName: FAR, roomId, ts, backwards })).eventId;
    expect(await find(times[6]!, true)).toBe(sent[6]);
    expect(await find(times[6]! + 1, false)).toBe(sent[7]);
    expect(await find(times[1]!, false)).toBe(sent[5]);
    const walk = { serverName: FAR, roomId, fromEventIds: [sent[7]!], limit: 100 };
    const { events } = await roomFederation.backfill(walk);
    expect(events.map(({ eventId }) => eventId)).toEqual([sent[7], sent[6], sent[5]]);
  });
});

it('a room of another server goes on after a purge: what comes next is placed, and history that was fetched is gone but for its end', async () => {
  const room = new FarRoom(servers.keys);
  const history = [room.message('one'), room.message('two')];
  const joined = room.join(ALICE);
  expect(await enter(replicas[0], room, joined.eventId)).toMatchObject({ fate: ACCEPTED });
  const [first, second] = history;
  await replicas[0].roomIntake.placeWithState({
    ...{ roomId: room.roomId, pduJson: first!.json, stateEventIds: [...first!.stateBefore.values()], backfill: true },
  });
  await receive(replicas[0], room, [second!.json], true);
  const live = [room.message('three'), room.message('four'), room.message('five')];
  await receive(
    replicas[1],
    room,
    live.map(({ json }) => json),
  );
  const { roomId } = room;
  expect(await countMessages(roomId)).toBe(5);
  await purgeBefore(replicas[0], roomId, live[2]!.eventId, true);
  const { events } = await replicas[1].roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 10, backfilled: true });
  // Whoever reads the log gets to where it is, in either direction.
  expect(events!.events.map(({ eventId }) => eventId)).toEqual([second!.eventId]);
  expect(await countMessages(roomId)).toBe(2);
  const { gaps } = await replicas[1].roomIntake.listHistoryGaps({ roomId, limit: 10 });
  expect(gaps.flatMap(({ missingEventIds }) => missingEventIds)).not.toContain(live[1]!.eventId);
  const { outcomes } = await receive(replicas[1], room, [room.message('six').json]);
  expect(outcomes[0]).toMatchObject({ fate: ACCEPTED });
  await send(replicas[0], roomId, ALICE);
  // A fork from what is gone waits for it to be fetched, as for anything that is not here.
  const late = await receive(replicas[1], room, [room.message('late', [live[0]!.eventId]).json]);
  expect(late.outcomes[0]).toMatchObject({ missingEventIds: [live[0]!.eventId] });
});

it('who joined while a room could not be heard is still told by the log after a purge of the message that brought it', async () => {
  const room = new FarRoom(servers.keys);
  await enter(replicas[0], room, room.join(ALICE).eventId);
  const { roomId } = room;
  const joined = room.state('m.room.member', { membership: 'join' }, '@late:far.test', '@late:far.test');
  const said = room.message('after the gap');
  await replicas[0].roomIntake.storeOutliers({ roomId, roomVersion: room.version, pdusJson: [joined.json] });
  await replicas[0].roomIntake.placeWithState({
    ...{ roomId, pduJson: said.json, stateEventIds: [...said.stateBefore.values()], backfill: false },
  });
  const last = room.message('last');
  await receive(replicas[0], room, [said.json, last.json]);
  await purgeBefore(replicas[1], roomId, last.eventId);
  const { events } = await replicas[1].roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 10, backfilled: false });
  const changes = events!.events.flatMap(({ stateChanges }) => stateChanges);
  expect(changes).toContainEqual(expect.objectContaining({ stateKey: '@late:far.test', membership: 'join' }));
  const nothing = replicas[1].roomLog.getStateChanges({ roomId, roomSeq: 1_000, afterKey: 0, limit: 0 });
  await expect(nothing).rejects.toThrow();
});

it('a message that is purged at the moment at which it gets its place is told nevertheless', async () => {
  const room = new FarRoom(servers.keys);
  await enter(replicas[0], room, room.join(ALICE).eventId);
  const { roomId } = room;
  const missed = room.message('missed');
  const waiting = room.message('waiting');
  await receive(replicas[0], room, [waiting.json]);
  const { db, roomLog, roomPurges } = replicas[1];
  await roomPurges.purgeHistory({ roomId, beforeTs: Date.now(), deleteLocalEvents: true });
  const roomNid = await roomNidOf(db, roomId);
  const received = await db.transaction(async (tx) => {
    await tx.query({ text: 'SELECT FROM room_server.rooms WHERE room_nid = $1 FOR UPDATE', values: [roomNid] });
    const placing = receive(replicas[0], room, [missed.json]);
    await eventually(async () => expect(await countOf(db, BLOCKED, [])).toBeGreaterThan(0));
    const store = purgesOf({ transaction: (run: (on: typeof tx) => unknown) => run(tx) } as unknown as Database);
    while (await store.step());
    return { placing };
  });
  await received.placing;
  const { heads } = await roomLog.listRoomHeads({ sinceCursor: 0, afterRoom: 0, limit: 0 });
  const { events } = await roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 100, backfilled: false });
  expect(events!.events.at(-1)!.roomSeq).toBe(heads.find((head) => head.roomId === roomId)!.roomSeq);
  // As for anything that is not here, whoever has it sends it again.
  await receive(replicas[1], room, [waiting.json]);
  expect((await told(replicas[1], roomId)).ids.slice(-2)).toEqual([missed.eventId, waiting.eventId]);
});

it('what was the end of a room when a purge looked at it goes with the next purge', async () => {
  const roomId = await createRoom(replicas[0]);
  await sayMany(replicas[0], roomId, 3);
  const store = purgesOf(replicas[0].db);
  const purge = { roomNid: await roomNidOf(replicas[0].db, roomId), belowDepth: 0, beforeMs: 0, withLocal: true };
  await store.ask({ ...purge, purgeId: roomId, upToSeq: 1_000 });
  await store.step();
  const after = await sayMany(replicas[0], roomId, 2);
  // Asked for again in the middle, and looked at to the end.
  await store.ask({ ...purge, purgeId: roomId, upToSeq: 1_000 });
  await purgeAll(replicas[0].db);
  expect((await told(replicas[0], roomId)).ids.slice(5)).toEqual([after.at(-1)]);
});

it(
  'a purge survives that who purges is killed again and again, while others send and purge',
  async () => {
    const rooms: { roomId: string; kept: string }[] = [];
    for (let index = 0; index < 6; index++) {
      const roomId = await createRoom(replicas[0]);
      for (let part = 0; part < 3; part++) await sayMany(replicas[0], roomId, 500);
      rooms.push({ roomId, kept: (await send(replicas[0], roomId, ALICE)).eventId });
    }
    for (const { roomId, kept } of rooms) {
      await replicas[0].roomPurges.purgeHistory({ roomId, beforeEventId: kept, deleteLocalEvents: true });
    }
    const script = new URL('./processes/purging.ts', import.meta.url);
    const dying = async () => {
      for (let kills = 0; kills < 4; kills++) {
        const process = spawnTypeScript(script, [servers.database.url]);
        await process.line('begins');
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
        await process.kill('SIGKILL');
      }
    };
    const sending = async () => {
      for (let index = 0; index < 60; index++) await send(replicas[1], rooms[index % 6]!.roomId, ALICE);
    };
    await Promise.all([dying(), sending()]);
    await Promise.all([purgeAll(replicas[0].db), purgeAll(replicas[1].db)]);
    for (const { roomId, kept } of rooms) {
      const { ids, purges } = await told(replicas[0], roomId);
      expect(ids).toHaveLength(5 + 1 + 10);
      expect(ids[5]).toBe(kept);
      const nids = purges.flatMap(({ eventNids }) => eventNids);
      expect(nids).toHaveLength(1_500);
      expect(new Set(nids).size).toBe(1_500);
      expect(purges.map(({ purgeSeq }) => purgeSeq)).toEqual(purges.map((_, index) => index + 1));
    }
  },
  TIMEOUT_MS,
);

describe('retention', () => {
  const RULES = { defaultMs: undefined, leastMs: 1, mostMs: undefined };
  const retain = (laterMs: number, rules: Partial<ConstructorParameters<typeof Retention>[1]> = {}) => {
    const store = purgesOf(replicas[0].db);
    return new Purger(store, new Retention(store, { ...RULES, ...rules }, () => Date.now() + laterMs)).retain();
  };
  const policy = (content: object) => [{ type: 'm.room.retention', stateKey: '', content: { ...content } }];

  it('lets messages of a room go when they are older than it says, but for the last one', async () => {
    const roomId = await createRoom(replicas[0], { more: policy({ max_lifetime: DAY_MS }) });
    const other = await createRoom(replicas[0]);
    await sayMany(replicas[0], roomId, 4);
    await sayMany(replicas[0], other, 4);
    await retain(DAY_MS / 2);
    expect(await countMessages(roomId)).toBe(4);
    await retain(2 * DAY_MS);
    expect([await countMessages(roomId), await countMessages(other)]).toEqual([1, 4]);
    await send(replicas[1], roomId, ALICE);
    await retain(2 * DAY_MS);
    expect(await countMessages(roomId)).toBe(1);
  });

  it('keeps what rooms ask for within what the operator allows, and has a time for those that ask for nothing', async () => {
    const brief = await createRoom(replicas[0], { more: policy({ max_lifetime: 1 }) });
    const long = await createRoom(replicas[0], { more: policy({ max_lifetime: 300 * DAY_MS }) });
    const bad = await createRoom(replicas[0], { more: policy({ max_lifetime: 'soon' }) });
    for (const roomId of [brief, long, bad]) await sayMany(replicas[0], roomId, 3);
    await retain(DAY_MS / 2, { leastMs: DAY_MS });
    expect(await countMessages(brief)).toBe(3);
    await retain(3 * DAY_MS, { mostMs: 2 * DAY_MS, leastMs: DAY_MS });
    expect([await countMessages(brief), await countMessages(long), await countMessages(bad)]).toEqual([1, 1, 3]);
    await retain(3 * DAY_MS, { defaultMs: 2 * DAY_MS });
    expect(await countMessages(bad)).toBe(1);
  });

  it('is not held up for ever by an event with a time from the future', async () => {
    const roomId = await createRoom(replicas[0], { more: policy({ max_lifetime: DAY_MS }) });
    await send(replicas[0], roomId, ALICE, { originServerTs: Date.now() + 5_000 * DAY_MS });
    await sayMany(replicas[0], roomId, 3);
    await retain(0);
    await sayMany(replicas[0], roomId, 3);
    await retain(2 * DAY_MS);
    expect(await countMessages(roomId)).toBe(1);
  });
});
