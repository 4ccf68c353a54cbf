import { PduFate } from '@ganglion/contracts/room';
import { ready } from '@ganglion/protocol';
import { enter, FarRoom, REMOTE, receive } from './support/far-room.js';
import { headOf, keptEvents } from './support/received-room.js';
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

const farRoom = (version?: string, joinRule?: string) => new FarRoom(servers.keys, version, joinRule);

describe('a room that we are not in', () => {
  const invite = (room: FarRoom, userId: string) => room.state('m.room.member', { membership: 'invite' }, userId);
  const stripped = [{ type: 'm.room.name', state_key: '', sender: REMOTE, content: { name: 'Far' } }];

  async function tell(replica: Replica, room: FarRoom, pduJson: string, strippedStateJson = JSON.stringify(stripped)) {
    const { roomId } = room.writer;
    return replica.roomIntake.putOutOfBandMembership({ roomId, roomVersion: room.version, pduJson, strippedStateJson });
  }

  it('is known by an invite, which may be declined', async () => {
    const room = farRoom();
    const { roomId } = room.writer;
    const { json, eventId } = invite(room, BOB);
    for (const replica of replicas) await tell(replica, room, json);
    const memberships = () => replicas[1].roomReads.listMemberships({ userId: BOB, memberships: ['invite', 'leave'] });
    expect((await memberships()).rooms).toContainEqual({ roomId, membership: 'invite' });
    const log = async () =>
      (await replicas[0].roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 10, backfilled: false })).events?.events;
    expect(await log()).toMatchObject([{ eventId, strippedStateJson: JSON.stringify(stripped) }]);
    await expect(send(replicas[0], roomId, BOB)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    const left = await change(replicas[1], roomId, BOB, 'leave');
    expect((await change(replicas[0], roomId, BOB, 'leave')).eventId).toBe(left.eventId);
    expect((await memberships()).rooms).toContainEqual({ roomId, membership: 'leave' });
    expect(await log()).toMatchObject([
      { eventId },
      { eventId: left.eventId, roomSeq: 2, strippedStateJson: '[]', stateChanges: [{ membership: 'leave' }] },
    ]);
  });

  it('becomes one that we are in, with nothing left of what was told before', async () => {
    const room = farRoom('11', 'invite');
    const { roomId } = room.writer;
    await tell(replicas[0], room, invite(room, BOB).json);
    const asked = invite(room, ALICE);
    await tell(replicas[1], room, asked.json);
    const withdrawn = room.state('m.room.member', { membership: 'leave' }, BOB);
    const join = room.join(ALICE);
    expect(withdrawn.rejected).toBe(false);
    expect(await enter(replicas[0], room, join.eventId)).toMatchObject({ fate: PduFate.ACCEPTED, reason: '' });
    expect((await headOf(replicas[0].db, roomId)).entries).toEqual([...join.stateAfter.values()].sort());
    const seqs = (await keptEvents(replicas[0].db, roomId)).flatMap(({ seq }) => seq ?? []).sort();
    expect(seqs).toEqual([1, 2, 3]);
    await expect(tell(replicas[0], room, invite(room, BOB).json)).rejects.toMatchObject({ errcode: 'M_BAD_STATE' });
  });

  it('takes nobody’s word for users of other servers, or for what is no stripped state', async () => {
    const room = farRoom();
    const refused = { status: 400, errcode: 'M_BAD_JSON' };
    const stranger = invite(room, '@other:far.test');
    await expect(tell(replicas[0], room, stranger.json)).rejects.toMatchObject(refused);
    const { json } = invite(room, BOB);
    for (const nonsense of ['{', '{}', '[1]', '[{"type":"m.room.name"}]']) {
      await expect(tell(replicas[0], room, json, nonsense)).rejects.toMatchObject(refused);
    }
  });
});

describe('what is told of rooms to whoever takes in what other servers send', () => {
  const describeTo = async (serverName: string, ...roomIds: string[]) =>
    (await replicas[1].roomIntake.describeRooms({ roomIds, serverName })).rooms;

  it('is their version, who takes part, whom they shut out, and where they end', async () => {
    const room = farRoom('10');
    room.state('m.room.server_acl', { allow: ['*'], deny: ['bad.test'] });
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const { roomId } = room.writer;
    const known = {
      roomId,
      roomVersion: '10',
      participating: true,
      blocked: false,
      forwardExtremityIds: [join.eventId],
    };
    expect(await describeTo('far.test', roomId, '!unknown:far.test')).toEqual([
      { ...known, serverJoined: true, serverShutOut: false },
    ]);
    expect(await describeTo('bad.test', roomId)).toEqual([{ ...known, serverJoined: false, serverShutOut: true }]);
  });

  it('is which events are not there, or not judged', async () => {
    const room = farRoom();
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const { roomId } = room.writer;
    const missing = room.message('missing');
    const waiting = room.message('waiting');
    await receive(replicas[0], room, [waiting.json]);
    const eventIds = [join.eventId, missing.eventId, waiting.eventId];
    const unknown = await replicas[1].roomIntake.listUnknownEvents({ roomId, eventIds });
    expect(unknown.eventIds).toEqual([missing.eventId, waiting.eventId]);
  });
});
