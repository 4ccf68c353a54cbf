import { PduFate } from '@ganglion/contracts/room';
import { type Pdu, ready } from '@ganglion/protocol';
import { accept, joinFromFar, logOf, sign, signed } from './support/far-memberships.js';
import { enter, FAR, FarRoom, REMOTE, signedByFar } from './support/far-room.js';
import { headOf, keptEvents } from './support/received-room.js';
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

const VERSIONS = ['1', '10', '12'];

describe.each(VERSIONS)('a user of another server, in a room of version %s', (version) => {
  it('joins, and may do so again; the room goes on from there', async () => {
    const roomId = await createRoom(replicas[0], { version });
    const event = await signed(replicas[0], roomId, { version });
    for (const replica of [replicas[1], replicas[0]]) {
      const accepted = await accept(replica, roomId, event);
      expect(accepted).toMatchObject({ eventId: event.eventId, roomVersion: version });
      expect(accepted.serversInRoom).toContain('one.test');
      expect(JSON.parse(accepted.pduJson)).toEqual(event.pdu);
    }
    const log = await logOf(replicas[1], roomId);
    expect(log.at(-1)).toMatchObject({ eventId: event.eventId, relayFor: FAR, stateChanges: [{ membership: 'join' }] });
    const { serverNames } = await replicas[0].roomIntake.listRoomServers({ roomId });
    expect(serverNames.sort()).toEqual([FAR, 'one.test']);
    await send(replicas[1], roomId, ALICE);
    const left = await signed(replicas[0], roomId, { version, membership: 'leave' });
    await accept(replicas[0], roomId, left, 'leave');
    expect((await logOf(replicas[1], roomId)).at(-1)).toMatchObject({ eventId: left.eventId, relayFor: FAR });
    expect((await replicas[0].roomIntake.listRoomServers({ roomId })).serverNames).toEqual(['one.test']);
  });
});

describe('what another server sends back of a template', () => {
  const template = async (roomId: string): Promise<Pdu> =>
    JSON.parse(
      (
        await replicas[0].roomFederation.makeMembership({
          ...{ serverName: FAR, roomId, userId: REMOTE, membership: 'join', supportedVersions: [] },
        })
      ).eventJson,
    );

  it.each([
    ['of another type', { type: 'm.room.name' }],
    ['of another user', { sender: '@somebody:far.test' }],
    ['of one of our users', { sender: ALICE, state_key: ALICE }],
    ['without a state key', { state_key: undefined }],
    ['that leaves', { content: { membership: 'leave' } }],
    ['that bans', { content: { membership: 'ban' }, state_key: BOB }],
    ['that follows what nobody knows', { prev_events: [`$${'a'.repeat(43)}`] }],
    ['that is authorised by what nobody knows', { auth_events: [`$${'a'.repeat(43)}`] }],
    ['of another room', { room_id: `!${'a'.repeat(43)}` }],
    ['let in by nobody of ours', { content: { membership: 'join', join_authorised_via_users_server: REMOTE } }],
    ['let in by something strange', { content: { membership: 'join', join_authorised_via_users_server: 7 } }],
  ])('%s is refused, and nothing is kept of it', async (_, change) => {
    const roomId = await createRoom(replicas[0]);
    const event = { ...(await template(roomId)), ...change } as Pdu;
    const before = await keptEvents(replicas[0].db, roomId);
    await expect(accept(replicas[0], roomId, sign(event))).rejects.toMatchObject({
      errcode: expect.stringMatching(/^M_(INVALID_PARAM|FORBIDDEN)$/),
    });
    expect(await keptEvents(replicas[0].db, roomId)).toEqual(before);
  });

  it('with another content than its hash says, or under another id, is refused', async () => {
    const roomId = await createRoom(replicas[0]);
    const event = await signed(replicas[0], roomId);
    const changed = { ...event.pdu, content: { membership: 'join', displayname: 'Changed' } };
    const refused = { status: 400, errcode: 'M_INVALID_PARAM' };
    await expect(accept(replicas[0], roomId, { ...event, json: JSON.stringify(changed) })).rejects.toMatchObject(
      refused,
    );
    await expect(accept(replicas[0], roomId, { ...event, eventId: `$${'b'.repeat(43)}` })).rejects.toMatchObject(
      refused,
    );
    await expect(accept(replicas[0], roomId, { ...event, json: '{' })).rejects.toMatchObject(refused);
  });

  it('is refused when its sender has been banned meanwhile', async () => {
    const roomId = await createRoom(replicas[0]);
    const event = await signed(replicas[0], roomId);
    await change(replicas[1], roomId, ALICE, 'ban', REMOTE);
    const refused = { status: 403, errcode: 'M_FORBIDDEN' };
    await expect(accept(replicas[0], roomId, event)).rejects.toMatchObject(refused);
    await expect(accept(replicas[0], roomId, event)).rejects.toMatchObject(refused);
    await expect(signed(replicas[0], roomId)).rejects.toMatchObject(refused);
  });
});

describe('a server that may not', () => {
  it('is told nothing of rooms that its users are not in, and gets no templates for users of others', async () => {
    const roomId = await createRoom(replicas[0]);
    const { eventId } = await send(replicas[0], roomId, ALICE);
    const { roomFederation } = replicas[0];
    const room = { serverName: FAR, roomId };
    const forbidden = { status: 403, errcode: 'M_FORBIDDEN' };
    await expect(roomFederation.backfill({ ...room, fromEventIds: [eventId], limit: 10 })).rejects.toMatchObject(
      forbidden,
    );
    await expect(
      roomFederation.getEventsForServer({ serverName: FAR, roomId: undefined, eventIds: [eventId] }),
    ).rejects.toMatchObject(forbidden);
    await expect(roomFederation.findEventAtTimestamp({ ...room, ts: 0, backwards: false })).rejects.toMatchObject(
      forbidden,
    );
    const asked = { ...room, userId: ALICE, membership: 'join', supportedVersions: ['12'] };
    await expect(roomFederation.makeMembership(asked)).rejects.toMatchObject(forbidden);
    await expect(
      roomFederation.makeMembership({ ...asked, userId: REMOTE, supportedVersions: ['1', '11'] }),
    ).rejects.toMatchObject({ status: 400, errcode: 'M_INCOMPATIBLE_ROOM_VERSION', extra: { room_version: '12' } });
    await expect(
      roomFederation.makeMembership({ ...asked, userId: REMOTE, roomId: `!${'a'.repeat(43)}` }),
    ).rejects.toMatchObject({ status: 404, errcode: 'M_NOT_FOUND' });
    expect(await roomFederation.checkServerInRooms({ serverName: FAR, roomIds: [roomId] })).toEqual({ roomIds: [] });
  });

  it('is shut out by the server ACL, whatever it asks for or sends', async () => {
    const roomId = await createRoom(replicas[0]);
    const event = await joinFromFar(replicas[0], roomId);
    const { roomFederation } = replicas[1];
    const check = () => roomFederation.checkServerInRooms({ serverName: FAR, roomIds: [roomId, '!other:far.test'] });
    expect(await check()).toEqual({ roomIds: [roomId] });
    await send(replicas[0], roomId, ALICE, {
      ...{ type: 'm.room.server_acl', stateKey: '', content: { allow: ['*'], deny: ['far.*'] } },
    });
    expect(await check()).toEqual({ roomIds: [] });
    const forbidden = { status: 403, errcode: 'M_FORBIDDEN' };
    await expect(signed(replicas[0], roomId, { userId: '@other:far.test' })).rejects.toMatchObject(forbidden);
    await expect(accept(replicas[0], roomId, event)).rejects.toMatchObject(forbidden);
    const { outcomes } = await replicas[0].roomIntake.receivePdus({
      ...{ roomId, pdusJson: [event.json], backfill: false, serverName: FAR },
    });
    expect(outcomes).toMatchObject([{ eventId: event.eventId, fate: 6, reason: expect.stringContaining('ACL') }]);
  });
});

describe('a room that only members of another one may join', () => {
  async function restricted(...allowed: string[]) {
    const allow = allowed.map((room_id) => ({ type: 'm.room_membership', room_id }));
    return createRoom(replicas[0], { joinRules: { join_rule: 'restricted', allow } });
  }

  it('lets them in with our signature', async () => {
    const space = await createRoom(replicas[0]);
    const roomId = await restricted(space);
    await expect(signed(replicas[0], roomId)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    await joinFromFar(replicas[0], space);
    const event = await signed(replicas[0], roomId);
    expect(event.pdu.content).toMatchObject({ join_authorised_via_users_server: ALICE });
    const { pduJson } = await accept(replicas[1], roomId, event);
    expect(Object.keys(JSON.parse(pduJson).signatures).sort()).toEqual([FAR, 'one.test']);
    const { events } = await replicas[0].roomLog.getEvents({
      roomId,
      eventIds: [event.eventId],
      eventNids: [],
      roomNids: [],
    });
    expect(JSON.parse(events[0]!.pduJson)).toEqual(JSON.parse(pduJson));
  });

  it('is not signed for who has left the other one meanwhile', async () => {
    const space = await createRoom(replicas[0]);
    const roomId = await restricted(space);
    await joinFromFar(replicas[0], space);
    const event = await signed(replicas[0], roomId);
    await accept(replicas[0], space, await signed(replicas[0], space, { membership: 'leave' }), 'leave');
    await expect(accept(replicas[0], roomId, event)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    expect((await headOf(replicas[0].db, roomId)).joined).toBe(1);
  });

  it('says so when it cannot tell', async () => {
    const refused = { status: 400, errcode: 'M_UNABLE_TO_AUTHORISE_JOIN' };
    await expect(signed(replicas[0], await restricted('!unknown:far.test'))).rejects.toMatchObject(refused);
    const space = await createRoom(replicas[0]);
    const either = await restricted('!unknown:far.test', space);
    await expect(signed(replicas[0], either)).rejects.toMatchObject(refused);
    await expect(signed(replicas[0], await restricted(space))).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });
});

describe('a knock from another server', () => {
  it('is taken in, and shows what the room is about', async () => {
    const name = { type: 'm.room.name', stateKey: '', content: { name: 'Closed' } };
    const roomId = await createRoom(replicas[0], { joinRules: { join_rule: 'knock' }, more: [name] });
    const event = await signed(replicas[0], roomId, { membership: 'knock' });
    const { strippedStateJson } = await accept(replicas[1], roomId, event, 'knock');
    const shown = strippedStateJson.map((json) => JSON.parse(json) as Pdu);
    expect(shown.map(({ type }) => type).sort()).toEqual(['m.room.create', 'm.room.join_rules', 'm.room.name']);
    expect(shown.every(({ signatures }) => 'one.test' in signatures)).toBe(true);
    await accept(replicas[0], roomId, await signed(replicas[0], roomId, { membership: 'leave' }), 'leave');
  });
});

describe('an invite', () => {
  const offer = (
    room: FarRoom,
    { eventId, json }: { eventId: string; json: string },
    state = room.writer.events[0]!.json,
  ) =>
    replicas[0].roomFederation.signInvite({
      ...{ serverName: FAR, roomId: room.roomId, eventId, roomVersion: room.version, pduJson: json },
      inviteRoomStateJson: `[${state}]`,
    });

  it.each(VERSIONS)('to a room of version %s of another server is signed and told to the user', async (version) => {
    const room = new FarRoom(servers.keys, version, 'invite');
    const { roomId } = room;
    const invite = room.state('m.room.member', { membership: 'invite' }, BOB);
    for (let times = 0; times < 2; times++) {
      const { pduJson } = await offer(room, invite);
      expect(Object.keys(JSON.parse(pduJson).signatures).sort()).toEqual([FAR, 'one.test']);
    }
    const { rooms } = await replicas[1].roomReads.listMemberships({ userId: BOB, memberships: ['invite'] });
    expect(rooms).toContainEqual({ roomId, membership: 'invite' });
    const [told] = await logOf(replicas[1], roomId);
    expect(JSON.parse(told!.strippedStateJson!)).toMatchObject([{ type: 'm.room.create', sender: REMOTE }]);
    expect(Object.keys(JSON.parse(told!.strippedStateJson!)[0]).sort()).toEqual([
      'content',
      'sender',
      'state_key',
      'type',
    ]);
    expect(await replicas[1].roomIntake.getStanding({ roomId, userId: BOB })).toEqual({
      ...{ roomVersion: version, takesPart: false, isStale: false, membership: 'invite', membershipSender: REMOTE },
      ...{ servers: [FAR], membershipDepth: 5, hasState: false, blocked: false },
    });
  });

  it('is taken, and the room joined, whatever version somebody has claimed that it has', async () => {
    const room = new FarRoom(servers.keys, '11');
    const { roomId } = room;
    const invite = room.state('m.room.member', { membership: 'invite' }, BOB);
    const { pdu } = room.state('m.room.member', { membership: 'invite' }, CAROL);
    const claimed = { ...pdu, event_id: '$claimed:far.test', prev_events: [], auth_events: [] } as Pdu;
    const { eventId, json } = signedByFar(claimed, '1');
    await replicas[0].roomFederation.signInvite({
      ...{ serverName: FAR, roomId, eventId, roomVersion: '1', pduJson: json, inviteRoomStateJson: '[]' },
    });
    await offer(room, invite);
    const { rooms } = await replicas[1].roomReads.listMemberships({ userId: BOB, memberships: ['invite'] });
    expect(rooms).toContainEqual({ roomId, membership: 'invite' });
    const declined = room.state('m.room.member', { membership: 'leave' }, BOB, BOB);
    const { outcomes } = await replicas[0].roomIntake.putOutOfBandMembership({
      ...{ roomId, roomVersion: '11', pduJson: declined.json, strippedStateJson: '[]' },
    });
    expect(outcomes).toMatchObject([{ eventId: declined.eventId, reason: '' }]);
    const join = room.join(BOB);
    expect(await enter(replicas[1], room, join.eventId)).toMatchObject({ fate: PduFate.ACCEPTED, reason: '' });
    expect(await replicas[1].roomIntake.getStanding({ roomId, userId: BOB })).toMatchObject({ roomVersion: '11' });
    const sent = await send(replicas[0], roomId, BOB);
    expect(sent.eventId).toMatch(/^\$[\w-]{43}$/);
    expect((await logOf(replicas[1], roomId)).at(-1)).toMatchObject({ eventId: sent.eventId });
    const other = { ...pdu, event_id: '$other:far.test', prev_events: [], auth_events: [] } as Pdu;
    const late = signedByFar(other, '1');
    await expect(offer(room, late)).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
  });

  it('by a server that the server ACL shuts out is not signed where we take part', async () => {
    const room = new FarRoom(servers.keys, '11');
    room.state('m.room.server_acl', { allow: ['*'], deny: [FAR] });
    const join = room.join(ALICE);
    await enter(replicas[0], room, join.eventId);
    const invite = room.state('m.room.member', { membership: 'invite' }, BOB);
    await expect(offer(room, invite)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });

  it.each([
    ['a ban', { content: { membership: 'ban' } }],
    ['a message', { type: 'm.room.message' }],
    ['of a user of its own', { state_key: '@other:far.test' }],
    ['by a user of ours', { sender: ALICE }],
    ['by a user of a third server', { sender: '@third:third.test' }],
  ])('that is %s is not signed', async (_, wrong) => {
    const room = new FarRoom(servers.keys, '11', 'invite');
    const { pdu } = room.state('m.room.member', { membership: 'invite' }, BOB);
    const event = signedByFar({ ...pdu, ...wrong } as Pdu, '11');
    await expect(offer(room, event)).rejects.toMatchObject({ status: 400, errcode: 'M_INVALID_PARAM' });
    expect(await replicas[0].roomIntake.getStanding({ roomId: room.roomId, userId: BOB })).toMatchObject({
      roomVersion: '',
    });
  });

  it('of a version nobody knows, or without the create event that its room id stands for, is not signed', async () => {
    const room = new FarRoom(servers.keys, '12', 'invite');
    const invite = room.state('m.room.member', { membership: 'invite' }, BOB);
    await expect(offer(room, invite, '')).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
    const other = new FarRoom(servers.keys, '12').writer.events[0]!.json;
    await expect(offer(room, invite, other)).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
    await expect(
      replicas[0].roomFederation.signInvite({
        ...{
          serverName: FAR,
          roomId: room.roomId,
          eventId: invite.eventId,
          roomVersion: 'no.such',
          pduJson: invite.json,
        },
        inviteRoomStateJson: '[]',
      }),
    ).rejects.toMatchObject({ errcode: 'M_INCOMPATIBLE_ROOM_VERSION' });
  });

  it('of a user of another server is made here, and taken in once that server has signed it', async () => {
    const roomId = await createRoom(replicas[0], { joinRules: { join_rule: 'invite' } });
    const made = await replicas[1].roomIntake.makeInvite({
      ...{ roomId, sender: ALICE, target: REMOTE, contentJson: '{"reason":"come in"}' },
    });
    expect(made.roomVersion).toBe('12');
    expect(made.inviteRoomStateJson.map((json) => (JSON.parse(json) as Pdu).type)).toContain('m.room.create');
    expect(JSON.parse(made.pduJson).content).toEqual({ membership: 'invite', reason: 'come in' });
    await send(replicas[0], roomId, ALICE);
    const { outcomes } = await replicas[0].roomIntake.receivePdus({
      roomId,
      pdusJson: [made.pduJson],
      backfill: false,
    });
    expect(outcomes).toMatchObject([{ eventId: made.eventId, fate: 1 }]);
    await joinFromFar(replicas[0], roomId);
    const stranger = { roomId, sender: BOB, target: REMOTE, contentJson: '{}' };
    await expect(replicas[0].roomIntake.makeInvite(stranger)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });
});
