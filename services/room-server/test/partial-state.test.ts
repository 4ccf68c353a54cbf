import { PduFate } from '@ganglion/contracts/room';
import { ready } from '@ganglion/protocol';
import { enter, FAR, FarRoom, REMOTE, receive } from './support/far-room.js';
import { complete, enterPartially, tellAll } from './support/partial-room.js';
import { headOf, keptEvents, StatesRead } from './support/received-room.js';
import { ALICE, BOB, change, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());

const member = (number: number) => `@member${number}:${FAR}`;

/** A room with a few members, one of whom is banned, that ALICE comes to without knowing most of them. */
async function joinedRoom({ version = '11', joinRule = 'public' } = {}) {
  const room = new FarRoom(servers.keys, version, joinRule);
  for (let number = 1; number <= 4; number++) room.join(member(number));
  const ban = room.state('m.room.member', { membership: 'ban' }, member(4));
  const join = room.join(ALICE);
  const outcome = await enterPartially(replicas[0], room, join.eventId, [REMOTE]);
  return { room, roomId: room.writer.roomId, join, ban, outcome };
}

const logOf = async (roomId: string) =>
  (await replicas[1].roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 100, backfilled: false })).events!.events;

const fateOf = async (roomId: string, eventId: string) =>
  (await keptEvents(replicas[0].db, roomId)).find((event) => event.eventId === eventId)?.status;

const membersSeen = async (roomId: string) => {
  const { events } = await replicas[1].roomReads.getState({ roomId, userId: ALICE });
  const pdus = events.map(({ pduJson }) => JSON.parse(pduJson));
  return pdus.filter(({ type }) => type === 'm.room.member').map(({ state_key }) => state_key);
};

/** Each event has the states around it that the library says. */
async function expectStates({ room, roomId }: { room: FarRoom; roomId: string }) {
  const kept = await keptEvents(replicas[0].db, roomId);
  const { nid } = await headOf(replicas[0].db, roomId);
  const states = new StatesRead(replicas[0].db, nid, kept);
  const written = new Map(room.writer.events.map((event) => [event.eventId, event]));
  const placed = kept.filter(({ after }) => after !== null);
  for (const { eventId, before, after } of placed) {
    const { stateBefore, stateAfter } = written.get(eventId)!;
    expect(await states.idsOf(before)).toEqual([...stateBefore.values()].sort());
    expect(await states.idsOf(after)).toEqual([...stateAfter.values()].sort());
  }
  return placed.length;
}

describe.each(['6', '10', '12'])('a room of version %s that was joined without most of its members', (version) => {
  it('is talked in at once, by us and by others, and has the states that it should have once they are known', async () => {
    const { room, roomId, join, outcome } = await joinedRoom({ version });
    expect(outcome).toMatchObject({ fate: PduFate.ACCEPTED });
    const hello = room.message('hello', undefined, member(1));
    const named = room.state('m.room.name', { name: 'Named' });
    const renamed = room.state('m.room.member', { membership: 'join', displayname: 'Two' }, member(2), member(2));
    const fork = room.message('on a fork', [named.eventId], member(3));
    const known = room.writer.events.filter(
      ({ pdu }) => pdu.state_key?.startsWith('@member') && pdu.depth < join.pdu.depth,
    );
    await replicas[1].roomIntake.storeOutliers({
      roomId,
      roomVersion: version,
      pdusJson: known.map(({ json }) => json),
    });
    const { outcomes } = await receive(
      replicas[1],
      room,
      [hello, named, renamed, fork].map(({ json }) => json),
    );
    expect(outcomes.map(({ fate }) => fate)).toEqual(Array(4).fill(PduFate.ACCEPTED));
    const topic = {
      type: 'm.room.topic',
      state_key: '',
      sender: REMOTE,
      content: { topic: 'both' },
      origin_server_ts: 9,
    };
    const end = room.say(topic, [renamed.eventId, fork.eventId]);
    await receive(replicas[0], room, [end.json]);
    await complete(replicas[1], room, join.eventId);
    expect((await headOf(replicas[0].db, roomId)).entries).toEqual([...end.stateAfter.values()].sort());
    expect(await expectStates({ room, roomId })).toBe(6);
  });
});

describe('a room that was joined without most of its members', () => {
  it('tells its log that they are missing, and where they came', async () => {
    const { room, roomId, join } = await joinedRoom();
    await send(replicas[0], roomId, ALICE);
    expect(await logOf(roomId)).toMatchObject([
      { eventId: join.eventId, partialState: true, stateOnly: undefined },
      { partialState: undefined, stateOnly: undefined },
    ]);
    await complete(replicas[0], room, join.eventId);
    const [, , brought] = await logOf(roomId);
    expect(brought).toMatchObject({ partialState: false, stateOnly: true, hasMoreStateChanges: true });
    const asked = { roomId, roomSeq: brought!.roomSeq, afterKey: 0, limit: 100 };
    const { changes } = await replicas[1].roomLog.getStateChanges(asked);
    expect(changes.map(({ stateKey, membership }) => [stateKey, membership]).sort()).toEqual([
      [member(1), 'join'],
      [member(2), 'join'],
      [member(3), 'join'],
      [member(4), 'ban'],
    ]);
  });

  it('refuses in the end what somebody said who had been banned, and goes on after what came before it', async () => {
    const { room, roomId, join } = await joinedRoom();
    const joined = room.writer.events.find(({ pdu }) => pdu.state_key === member(4))!;
    await replicas[0].roomIntake.storeOutliers({ roomId, roomVersion: '11', pdusJson: [joined.json] });
    const idOf = (wanted: string) => room.writer.events.find(({ pdu }) => pdu.type === wanted)!.eventId;
    // Their server names the join as what authorises it, and not the ban.
    const authEvents = [idOf('m.room.create'), idOf('m.room.power_levels'), joined.eventId];
    const draft = { type: 'm.room.message', sender: member(4), content: { body: 'let me' }, origin_server_ts: 9 };
    const forged = room.writer.write(draft, [join.eventId], { authEvents });
    const { outcomes } = await receive(replicas[0], room, [forged.json]);
    expect(outcomes[0]).toMatchObject({ fate: PduFate.ACCEPTED });
    await complete(replicas[0], room, join.eventId);
    expect(await fateOf(roomId, forged.eventId)).toBe('rejected');
    const { rooms } = await replicas[1].roomIntake.describeRooms({ roomIds: [roomId], serverName: FAR });
    expect(rooms[0]!.forwardExtremityIds).toEqual([join.eventId]);
    await send(replicas[1], roomId, ALICE);
  });

  it('is completed once, when two replicas are told at once, and when one is told again', async () => {
    const { room, roomId, join } = await joinedRoom();
    const told = await tellAll(replicas[0], room, join.eventId);
    await Promise.all(replicas.map((replica) => replica.roomIntake.completeState(told)));
    expect((await replicas[1].roomIntake.completeState(told)).outcomes).toEqual([]);
    expect((await logOf(roomId)).filter(({ stateOnly }) => stateOnly)).toHaveLength(1);
  });

  it('waits with what is missing, and changes nothing', async () => {
    const { room, roomId, join } = await joinedRoom();
    const { eventId, stateBefore } = join;
    const asked = { roomId, eventId, stateEventIds: [...stateBefore.values()] };
    const { outcomes } = await replicas[0].roomIntake.completeState(asked);
    expect(outcomes).toMatchObject([{ fate: PduFate.WAITING }]);
    expect(outcomes[0]!.missingEventIds).toHaveLength(4);
    await complete(replicas[0], room, eventId);
    expect((await membersSeen(roomId)).sort()).toEqual(
      [ALICE, member(1), member(2), member(3), member(4), REMOTE].sort(),
    );
  });

  it('counts the servers that it was told of as in the room, and then those of its members', async () => {
    const { room, roomId, join } = await joinedRoom();
    const serversOf = async () => (await replicas[1].roomIntake.listRoomServers({ roomId })).serverNames.sort();
    expect(await serversOf()).toEqual([FAR, 'one.test', 'third.test']);
    await complete(replicas[0], room, join.eventId);
    expect(await serversOf()).toEqual([FAR, 'one.test']);
  });

  it('lets nobody be invited, put out or listed before it is known who they are', async () => {
    const { room, roomId, join } = await joinedRoom();
    const waiting = [
      change(replicas[0], roomId, BOB, 'join').then(({ eventId }) => typeof eventId),
      membersSeen(roomId).then(({ length }) => length),
    ];
    const settled = Promise.race(waiting.map((each) => each.then(() => 'settled')));
    await send(replicas[0], roomId, ALICE);
    expect(await Promise.race([settled, Promise.resolve('waits')])).toBe('waits');
    await complete(replicas[1], room, join.eventId);
    expect((await Promise.all(waiting))[0]).toBe('string');
  });

  it('is no room by way of which others may come, or learn who is in it', async () => {
    const { room, roomId, join } = await joinedRoom();
    const offer = { serverName: FAR, roomId, userId: member(1), membership: 'join', supportedVersions: [] };
    const state = { serverName: FAR, roomId, eventId: join.eventId, afterKey: 0, limit: 10 };
    const askState = () => replicas[1].roomFederation.getStateBefore({ ...state, idsOnly: true, omitMembers: false });
    const refused = { status: 404, errcode: 'M_NOT_FOUND' };
    await expect(replicas[1].roomFederation.makeMembership(offer)).rejects.toMatchObject(refused);
    await expect(askState()).rejects.toMatchObject(refused);
    await complete(replicas[0], room, join.eventId);
    expect((await askState()).events.length).toBeGreaterThan(5);
  });

  it('is whole after all when its only user of ours has left and comes again', async () => {
    const { room, roomId, join } = await joinedRoom();
    await change(replicas[0], roomId, ALICE, 'leave');
    room.state('m.room.member', { membership: 'leave' }, ALICE, ALICE);
    const again = room.join(ALICE);
    expect(await enter(replicas[1], room, again.eventId)).toMatchObject({ fate: PduFate.ACCEPTED });
    expect((await logOf(roomId)).at(-1)).toMatchObject({ partialState: false, stateOnly: undefined });
    expect(
      (await replicas[0].roomIntake.completeState(await tellAll(replicas[0], room, join.eventId))).outcomes,
    ).toEqual([]);
    expect((await headOf(replicas[0].db, roomId)).entries).toEqual([...again.stateAfter.values()].sort());
  });

  it('has its history from the beginning once that is asked for', async () => {
    const { room, roomId, join } = await joinedRoom();
    await complete(replicas[0], room, join.eventId);
    const earlier = room.writer.events.filter(({ pdu }) => pdu.depth < join.pdu.depth);
    const { outcomes } = await receive(
      replicas[1],
      room,
      earlier.map(({ json }) => json),
      true,
    );
    expect(outcomes.map(({ fate, reason }) => ({ fate, reason }))).toEqual(
      earlier.map(() => ({ fate: PduFate.ACCEPTED, reason: '' })),
    );
    const asked = { roomId, afterSeq: 0, limit: 100, backfilled: true };
    const { events } = await replicas[0].roomLog.getRoomEvents(asked);
    // One of them has told where the members came.
    expect(events!.events).toHaveLength(earlier.length - 1);
  });

  it('keeps an invite of another user of ours until it is known what became of it', async () => {
    const room = new FarRoom(servers.keys, '11', 'public');
    const { roomId } = room.writer;
    const invite = room.state('m.room.member', { membership: 'invite' }, BOB);
    await replicas[0].roomIntake.putOutOfBandMembership({
      ...{ roomId, roomVersion: '11', pduJson: invite.json, strippedStateJson: '[]' },
    });
    const withdrawn = room.state('m.room.member', { membership: 'leave' }, BOB);
    const join = room.join(ALICE);
    await enterPartially(replicas[0], room, join.eventId, [REMOTE]);
    const invited = async () =>
      (await replicas[1].roomReads.listMemberships({ userId: BOB, memberships: ['invite'] })).rooms;
    expect(await invited()).toEqual([{ roomId, membership: 'invite' }]);
    await complete(replicas[0], room, join.eventId);
    expect(await invited()).toEqual([]);
    expect((await headOf(replicas[0].db, roomId)).entries).toContain(withdrawn.eventId);
  });

  it('is not joined a second time in that way', async () => {
    const { room, roomId } = await joinedRoom();
    const join = room.join(BOB);
    expect(await enterPartially(replicas[1], room, join.eventId, [REMOTE])).toMatchObject({
      ...{ fate: PduFate.WAITING, missingEventIds: [] },
    });
    expect(await fateOf(roomId, join.eventId)).toBeUndefined();
  });
});
