import { type JsonObject, type Pdu, ready, roomVersionRules } from '@ganglion/protocol';
import { enter, FAR, FarRoom, REMOTE, receive, signedByFar } from './support/far-room.js';
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

const VERSIONS = ['1', '10', '12'];
let count = 0;

interface Asked {
  readonly membership?: string;
  readonly userId?: string;
  readonly version?: string;
}

/** What another server makes of the template that it is given. */
async function signed(roomId: string, { membership = 'join', userId = REMOTE, version = '12' }: Asked = {}) {
  const { eventJson, roomVersion } = await replicas[0].roomFederation.makeMembership({
    ...{ serverName: FAR, roomId, userId, membership, supportedVersions: [version] },
  });
  expect(roomVersion).toBe(version);
  return sign(JSON.parse(eventJson), version);
}

function sign(template: Pdu, version = '12') {
  count += 1;
  const isOld = roomVersionRules(version)!.eventIdFormat === 'in-event';
  return signedByFar({ ...template, ...(isOld && { event_id: `$${count}:${FAR}` }) }, version);
}

type Signed = ReturnType<typeof sign>;

function accept(replica: Replica, roomId: string, { eventId, json }: Signed, membership = 'join') {
  const request = { serverName: FAR, roomId, eventId, membership, pduJson: json };
  return replica.roomFederation.acceptMembership(request);
}

/** A user of the other server joins a room of ours. */
async function joinFromFar(roomId: string, asked: Asked = {}) {
  const event = await signed(roomId, asked);
  await accept(replicas[0], roomId, event);
  return event;
}

const logOf = async (roomId: string) => {
  const query = { roomId, afterSeq: 0, limit: 100, backfilled: false };
  return (await replicas[1].roomLog.getRoomEvents(query)).events!.events;
};

describe.each(VERSIONS)('a user of another server, in a room of version %s', (version) => {
  it('joins, and may do so again; the room goes on from there', async () => {
    const roomId = await createRoom(replicas[0], { version });
    const event = await signed(roomId, { version });
    for (const replica of [replicas[1], replicas[0]]) {
      const accepted = await accept(replica, roomId, event);
      expect(accepted).toMatchObject({ eventId: event.eventId, roomVersion: version });
      expect(accepted.serversInRoom).toContain('one.test');
      expect(JSON.parse(accepted.pduJson)).toEqual(event.pdu);
    }
    const log = await logOf(roomId);
    expect(log.at(-1)).toMatchObject({ eventId: event.eventId, relayFor: FAR, stateChanges: [{ membership: 'join' }] });
    const { serverNames } = await replicas[0].roomIntake.listRoomServers({ roomId });
    expect(serverNames.sort()).toEqual([FAR, 'one.test']);
    await send(replicas[1], roomId, ALICE);
    const left = await signed(roomId, { version, membership: 'leave' });
    await accept(replicas[0], roomId, left, 'leave');
    expect((await logOf(roomId)).at(-1)).toMatchObject({ eventId: left.eventId, relayFor: FAR });
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
    const event = await signed(roomId);
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
    const event = await signed(roomId);
    await change(replicas[1], roomId, ALICE, 'ban', REMOTE);
    const refused = { status: 403, errcode: 'M_FORBIDDEN' };
    await expect(accept(replicas[0], roomId, event)).rejects.toMatchObject(refused);
    await expect(accept(replicas[0], roomId, event)).rejects.toMatchObject(refused);
    await expect(signed(roomId)).rejects.toMatchObject(refused);
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
    const event = await joinFromFar(roomId);
    const { roomFederation } = replicas[1];
    const check = () => roomFederation.checkServerInRooms({ serverName: FAR, roomIds: [roomId, '!other:far.test'] });
    expect(await check()).toEqual({ roomIds: [roomId] });
    await send(replicas[0], roomId, ALICE, {
      ...{ type: 'm.room.server_acl', stateKey: '', content: { allow: ['*'], deny: ['far.*'] } },
    });
    expect(await check()).toEqual({ roomIds: [] });
    const forbidden = { status: 403, errcode: 'M_FORBIDDEN' };
    await expect(signed(roomId, { userId: '@other:far.test' })).rejects.toMatchObject(forbidden);
    await expect(accept(replicas[0], roomId, event)).rejects.toMatchObject(forbidden);
    const { outcomes } = await replicas[0].roomIntake.receivePdus({
      ...{ roomId, pdusJson: [event.json], backfill: false, serverName: FAR },
    });
    expect(outcomes).toMatchObject([{ eventId: event.eventId, fate: 6, reason: expect.stringContaining('ACL') }]);
  });
});

describe('a room that only members of another one may join', () => {
  async function restricted(allowed: string) {
    const allow = [{ type: 'm.room_membership', room_id: allowed }];
    return createRoom(replicas[0], { joinRules: { join_rule: 'restricted', allow } });
  }

  it('lets them in with our signature', async () => {
    const space = await createRoom(replicas[0]);
    const roomId = await restricted(space);
    await expect(signed(roomId)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    await joinFromFar(space);
    const event = await signed(roomId);
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
    await joinFromFar(space);
    const event = await signed(roomId);
    await accept(replicas[0], space, await signed(space, { membership: 'leave' }), 'leave');
    await expect(accept(replicas[0], roomId, event)).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    expect((await headOf(replicas[0].db, roomId)).joined).toBe(1);
  });

  it('says so when it cannot tell', async () => {
    const roomId = await restricted('!unknown:far.test');
    await expect(signed(roomId)).rejects.toMatchObject({ status: 400, errcode: 'M_UNABLE_TO_AUTHORISE_JOIN' });
  });
});

describe('a knock from another server', () => {
  it('is taken in, and shows what the room is about', async () => {
    const name = { type: 'm.room.name', stateKey: '', content: { name: 'Closed' } };
    const roomId = await createRoom(replicas[0], { joinRules: { join_rule: 'knock' }, more: [name] });
    const event = await signed(roomId, { membership: 'knock' });
    const { strippedStateJson } = await accept(replicas[1], roomId, event, 'knock');
    const shown = strippedStateJson.map((json) => JSON.parse(json) as Pdu);
    expect(shown.map(({ type }) => type).sort()).toEqual(['m.room.create', 'm.room.join_rules', 'm.room.name']);
    expect(shown.every(({ signatures }) => 'one.test' in signatures)).toBe(true);
    await accept(replicas[0], roomId, await signed(roomId, { membership: 'leave' }), 'leave');
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
    const [told] = await logOf(roomId);
    expect(JSON.parse(told!.strippedStateJson!)).toMatchObject([{ type: 'm.room.create', sender: REMOTE }]);
    expect(Object.keys(JSON.parse(told!.strippedStateJson!)[0]).sort()).toEqual([
      'content',
      'sender',
      'state_key',
      'type',
    ]);
    expect(await replicas[1].roomIntake.getStanding({ roomId, userId: BOB })).toEqual({
      ...{ roomVersion: version, takesPart: false, isStale: false, membership: 'invite', membershipSender: REMOTE },
      servers: [FAR],
    });
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
    await joinFromFar(roomId);
    const stranger = { roomId, sender: BOB, target: REMOTE, contentJson: '{}' };
    await expect(replicas[0].roomIntake.makeInvite(stranger)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });
});

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
    const join = await joinFromFar(roomId);
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
    const join = await joinFromFar(roomId);
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
    await joinFromFar(roomId);
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
    const log = await logOf(roomId);
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
