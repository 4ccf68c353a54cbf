import { type JsonObject, ready } from '@ganglion/protocol';
import { joinFromFar, logOf } from './support/far-memberships.js';
import { enter, FAR, FarRoom, REMOTE, receive } from './support/far-room.js';
import { headOf, keptEvents, StateMaps } from './support/received-room.js';
import { ALICE, BOB, CAROL, change, createRoom, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());

describe('a server in the room', () => {
  /** All pages of an answer. */
  async function pages<T>(turn: (after: number) => Promise<{ events: T[]; next: number | undefined }>): Promise<T[]> {
    const found: T[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const { events, next } = await turn(after);
      expect(events.length).toBeLessThanOrEqual(7);
      found.push(...events);
      after = next;
    }
    return found;
  }

  it('gets the state before an event and what authorises it, page by page', async () => {
    const room = new FarRoom(servers.keys, '11');
    for (let index = 0; index < 20; index++) room.join(`@user${index}:far.test`);
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const { roomId } = room;
    const ask = { serverName: FAR, roomId, eventId: join.eventId, limit: 7 };
    const state = await pages(async (afterKey) => {
      const page = await replicas[1].roomFederation.getStateBefore({
        ...ask,
        afterKey,
        idsOnly: false,
        omitMembers: false,
      });
      return { events: page.events, next: page.nextKey };
    });
    expect(state.map(({ eventId }) => eventId).sort()).toEqual([...join.stateBefore.values()].sort());
    const texts = new Map(room.writer.events.map(({ eventId, json }) => [eventId, JSON.parse(json)]));
    for (const { eventId, pduJson } of state) expect(JSON.parse(pduJson)).toEqual(texts.get(eventId));
    const lean = await replicas[0].roomFederation.getStateBefore({
      ...{ ...ask, limit: 100, afterKey: 0, idsOnly: true, omitMembers: true },
    });
    const types = lean.events.map(({ eventId }) => texts.get(eventId).type);
    expect(types.filter((type) => type === 'm.room.member')).toHaveLength(5);
    expect(types.filter((type) => type !== 'm.room.member').sort()).toEqual([
      ...['m.room.create', 'm.room.join_rules', 'm.room.power_levels'],
    ]);
    const chain = await pages(async (afterNid) => {
      const page = await replicas[0].roomFederation.getAuthChain({
        ...{
          serverName: FAR,
          roomId,
          eventIds: [],
          stateBeforeEventId: join.eventId,
          afterNid,
          limit: 7,
          idsOnly: true,
        },
      });
      return { events: page.events, next: page.nextNid };
    });
    expect(chain.map(({ eventId }) => texts.get(eventId).type).sort()).toEqual([
      ...['m.room.create', 'm.room.join_rules', 'm.room.member', 'm.room.power_levels'],
    ]);
    const own = await replicas[0].roomFederation.getAuthChain({
      ...{ serverName: FAR, roomId, eventIds: [join.eventId], stateBeforeEventId: undefined, afterNid: 0, limit: 0 },
      idsOnly: false,
    });
    expect(own.events.map(({ eventId }) => eventId).sort()).toEqual(chain.map(({ eventId }) => eventId).sort());
    await expect(
      replicas[0].roomFederation.getStateBefore({
        ...ask,
        eventId: '$none',
        afterKey: 0,
        idsOnly: true,
        omitMembers: false,
      }),
    ).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('walks the history back, and fills gaps', async () => {
    const roomId = await createRoom(replicas[0]);
    const join = await joinFromFar(replicas[0], roomId);
    const sent: string[] = [];
    for (let index = 0; index < 30; index++) sent.push((await send(replicas[index % 2]!, roomId, ALICE)).eventId);
    const { roomFederation } = replicas[0];
    const room = { serverName: FAR, roomId };
    const idsOf = ({ events }: { events: { eventId: string }[] }) => events.map(({ eventId }) => eventId);
    const newest = sent.toReversed();
    expect(idsOf(await roomFederation.backfill({ ...room, fromEventIds: [newest[0]!], limit: 12 }))).toEqual(
      newest.slice(0, 12),
    );
    const all = idsOf(await roomFederation.backfill({ ...room, fromEventIds: [newest[0]!, '$none'], limit: 1000 }));
    expect(all.slice(0, 31)).toEqual([...newest, join.eventId]);
    expect(all).toHaveLength(36);
    const missing = { ...room, earliestEventIds: [sent[10]!], latestEventIds: [sent[20]!], minDepth: 0 };
    expect(idsOf(await roomFederation.getMissingEvents({ ...missing, limit: 0 }))).toHaveLength(1);
    expect(idsOf(await roomFederation.getMissingEvents({ ...missing, limit: 5 }))).toEqual(sent.slice(15, 20));
    expect(idsOf(await roomFederation.getMissingEvents({ ...missing, limit: 50 }))).toEqual(sent.slice(11, 20));
    expect(idsOf(await roomFederation.getMissingEvents({ ...missing, earliestEventIds: [], limit: 50 }))).toHaveLength(
      20,
    );
  });

  it('sees of the history what its users may see', async () => {
    const roomId = await createRoom(replicas[0], { historyVisibility: 'joined' });
    const hidden = await send(replicas[0], roomId, ALICE, { content: { body: 'hidden' } });
    const join = await joinFromFar(replicas[0], roomId);
    const seen = await send(replicas[0], roomId, ALICE, { content: { body: 'seen' } });
    const taken = await send(replicas[0], roomId, ALICE, { content: { body: 'taken back' } });
    await send(replicas[1], roomId, ALICE, { type: 'm.room.redaction', redacts: taken.eventId });
    const { events } = await replicas[1].roomFederation.getEventsForServer({
      ...{ serverName: FAR, roomId: undefined },
      eventIds: [hidden, seen, taken, join].map(({ eventId }) => eventId).concat('$none'),
    });
    const contents = new Map(
      events.map(({ eventId, pduJson }) => [eventId, JSON.parse(pduJson).content as JsonObject]),
    );
    expect(contents.get(hidden.eventId)).toEqual({});
    expect(contents.get(seen.eventId)).toEqual({ body: 'seen' });
    expect(contents.get(taken.eventId)).toEqual({});
    expect(contents.get(join.eventId)).toMatchObject({ membership: 'join' });
    expect(contents.size).toBe(4);
    await expect(
      replicas[0].roomFederation.getEventsForServer({ serverName: FAR, roomId, eventIds: ['$none'] }),
    ).rejects.toMatchObject({ status: 404, errcode: 'M_NOT_FOUND' });
  });

  it('finds the event nearest to a time', async () => {
    const roomId = await createRoom(replicas[0]);
    await joinFromFar(replicas[0], roomId);
    const times = [1_000, 2_000, 3_000, 2_500, 4_000].map((ms) => Date.now() + 100_000 + ms);
    const sent: string[] = [];
    for (const originServerTs of times) sent.push((await send(replicas[0], roomId, ALICE, { originServerTs })).eventId);
    const find = (ts: number, backwards: boolean) =>
      replicas[1].roomFederation.findEventAtTimestamp({ serverName: FAR, roomId, ts, backwards });
    expect(await find(times[3]! - 1, false)).toEqual({ eventId: sent[3], originServerTs: times[3] });
    expect(await find(times[3]! - 1, true)).toEqual({ eventId: sent[1], originServerTs: times[1] });
    expect(await find(times[4]!, false)).toMatchObject({ eventId: sent[4] });
    await expect(find(times[4]! + 1, false)).rejects.toMatchObject({ status: 404, errcode: 'M_NOT_FOUND' });
    await expect(find(0, true)).rejects.toMatchObject({ status: 404, errcode: 'M_NOT_FOUND' });
  });
});

describe('a room that the last of our users has left', () => {
  it('goes on without us: joining it means asking another server, and begins anew from what that says', async () => {
    const room = new FarRoom(servers.keys, '11');
    const { roomId } = room;
    const first = room.join(ALICE);
    await enter(replicas[0], room, first.eventId);
    const left = room.state('m.room.member', { membership: 'leave' }, ALICE, ALICE);
    await receive(replicas[0], room, [left.json]);
    expect(await replicas[1].roomIntake.getStanding({ roomId, userId: ALICE })).toMatchObject({
      ...{ takesPart: false, isStale: true, membership: 'leave', servers: [FAR] },
    });
    await expect(change(replicas[0], roomId, ALICE, 'join')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await expect(change(replicas[1], roomId, BOB, 'join')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    // Meanwhile Bob is banned and let go again, and others come and go.
    room.state('m.room.member', { membership: 'ban' }, BOB);
    room.state('m.room.join_rules', { join_rule: 'invite' });
    room.join('@late:far.test');
    const invite = room.state('m.room.member', { membership: 'invite' }, ALICE);
    await replicas[1].roomFederation.signInvite({
      ...{ serverName: FAR, roomId, eventId: invite.eventId, roomVersion: '11', pduJson: invite.json },
      inviteRoomStateJson: '[]',
    });
    expect(await replicas[0].roomIntake.getStanding({ roomId, userId: ALICE })).toMatchObject({ membership: 'invite' });
    const again = room.join(ALICE);
    expect(await enter(replicas[1], room, again.eventId)).toMatchObject({ fate: 1 });
    const head = await headOf(replicas[0].db, roomId);
    expect(head.extremities).toEqual([again.eventId]);
    expect(head.entries).toEqual([...again.stateAfter.values()].sort());
    expect(head.joinedByHost).toBe(head.joined);
    const kept = await keptEvents(replicas[0].db, roomId);
    expect((await StateMaps.read(replicas[0].db, head.nid, kept)).idsOf(head.state)).toEqual(head.entries);
    await send(replicas[0], roomId, ALICE);
    const log = await logOf(replicas[1], roomId);
    expect(log.at(-2)?.stateChanges.map(({ stateKey, membership }) => [stateKey, membership])).toEqual(
      expect.arrayContaining([
        [ALICE, 'join'],
        [BOB, 'ban'],
        ['', undefined],
      ]),
    );
  });

  it('may be joined again when nobody at all is left', async () => {
    const roomId = await createRoom(replicas[0]);
    await change(replicas[0], roomId, ALICE, 'leave');
    expect(await replicas[0].roomIntake.getStanding({ roomId, userId: CAROL })).toMatchObject({ isStale: false });
    await change(replicas[1], roomId, CAROL, 'join', CAROL);
    await send(replicas[0], roomId, CAROL);
  });
});

it('what comes in a transaction of a room that we are not in is not taken', async () => {
  const room = new FarRoom(servers.keys, '11', 'invite');
  const { roomId } = room;
  const invite = room.state('m.room.member', { membership: 'invite' }, BOB);
  await replicas[0].roomFederation.signInvite({
    ...{ serverName: FAR, roomId, eventId: invite.eventId, roomVersion: '11', pduJson: invite.json },
    inviteRoomStateJson: '[]',
  });
  const pdusJson = room.writer.events.map(({ json }) => json);
  const { outcomes } = await replicas[1].roomIntake.receivePdus({ roomId, pdusJson, backfill: false, serverName: FAR });
  expect(new Set(outcomes.map(({ fate }) => fate))).toEqual(new Set([6]));
  expect(await keptEvents(replicas[0].db, roomId)).toHaveLength(1);
});

it('what a room was joined with is found by its ids where it is asked for without a place', async () => {
  const room = new FarRoom(servers.keys, '11');
  const join = room.join(ALICE);
  await enter(replicas[0], room, join.eventId);
  const eventIds = room.writer.events.map(({ eventId }) => eventId);
  const asked = { roomId: room.roomId, eventIds, eventNids: [], roomNids: [] };
  const found = async (withOutliers?: boolean) =>
    (await replicas[1].roomLog.getEvents({ ...asked, withOutliers })).events.map(({ eventId }) => eventId).sort();
  expect(await found()).toEqual([join.eventId]);
  expect(await found(true)).toEqual(eventIds.toSorted());
});

describe('of rooms of ours', () => {
  it('an alias leads to the servers that are in one, and not to us when nobody of ours is', async () => {
    const alias = '#led:one.test';
    const roomId = await createRoom(replicas[0], { alias });
    await joinFromFar(replicas[0], roomId);
    const { roomDirectory } = replicas[1];
    expect(await roomDirectory.resolveAlias({ alias })).toEqual({ roomId, servers: ['one.test', FAR] });
    await change(replicas[0], roomId, ALICE, 'leave');
    expect(await roomDirectory.resolveAlias({ alias })).toEqual({ roomId, servers: [FAR] });
  });

  it('a space tells another server of more than fifty children', async () => {
    const space = await createRoom(replicas[0], { createContent: { type: 'm.space' } });
    const children: string[] = [];
    for (let index = 0; index < 60; index++) {
      children.push(await createRoom(replicas[0]));
      const child = { type: 'm.space.child', stateKey: children.at(-1)!, content: { via: ['one.test'] } };
      await send(replicas[0], space, ALICE, child);
    }
    const asked = { serverName: FAR, roomId: space, suggestedOnly: false };
    const { children: shown } = await replicas[1].roomSummaries.getSpaceForServer(asked);
    expect(shown.map((child) => child.roomId).sort()).toEqual(children.sort());
  });

  it('a space tells another server of as many children as one answer holds, however long their topics are', async () => {
    const space = await createRoom(replicas[0], { createContent: { type: 'm.space' } });
    const topic = { type: 'm.room.topic', stateKey: '', content: { topic: 'x'.repeat(60_000) } };
    for (let index = 0; index < 150; index++) {
      const roomId = await createRoom(replicas[0]);
      const child = { type: 'm.space.child', stateKey: roomId, content: { via: ['one.test'] } };
      await Promise.all([send(replicas[0], roomId, ALICE, topic), send(replicas[0], space, ALICE, child)]);
    }
    const asked = { serverName: FAR, roomId: space, suggestedOnly: false };
    const { room, children } = await replicas[1].roomSummaries.getSpaceForServer(asked);
    expect(JSON.parse(room!.childrenStateJson)).toHaveLength(150);
    expect(children.length).toBeGreaterThan(120);
    expect(children.length).toBeLessThan(140);
  });

  it('it is known how many users each server has there, and who of some is joined', async () => {
    const roomId = await createRoom(replicas[0]);
    await joinFromFar(replicas[0], roomId);
    const { roomIntake } = replicas[1];
    const { rooms } = await roomIntake.listServersOfRooms({ roomIds: [roomId] });
    const [room] = rooms;
    expect(new Map(room!.serverNames.map((name, index) => [name, room!.joined[index]]))).toEqual(
      new Map([
        ['one.test', 1],
        [FAR, 1],
      ]),
    );
    expect(room!.roomSeq).toBe((await logOf(replicas[0], roomId)).at(-1)!.roomSeq);
    const users = [ALICE, REMOTE, BOB].map((userId) => ({ roomId, userId }));
    const asked = { users: [...users, { roomId: '!other:far.test', userId: ALICE }] };
    expect((await roomIntake.listJoinedAmong(asked)).joined).toEqual(expect.arrayContaining([users[0], users[1]]));
    expect((await roomIntake.listJoinedAmong(asked)).joined).toHaveLength(2);
  });
});
