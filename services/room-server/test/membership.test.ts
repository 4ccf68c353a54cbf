import { MembershipAction } from '@ganglion/contracts/room';
import type { JsonObject } from '@ganglion/protocol';
import { audit } from './support/audit.js';
import {
  type Action,
  ALICE,
  BOB,
  CAROL,
  change,
  createRoom,
  type RoomOptions,
  rulesOf,
  send,
  storedEvents,
} from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

const STARTS = ['never', 'invite', 'knock', 'join', 'left', 'ban'] as const;
type Start = (typeof STARTS)[number];
const MEMBER = '@member:one.test';
const OUTSIDER = '@outsider:one.test';

/** A room in which Bob has come to be what he is. */
async function roomWithBob(start: Start, options: RoomOptions): Promise<string> {
  const roomId = await createRoom(replica, { ...options, joinRules: { join_rule: 'knock' } });
  await change(replica, roomId, ALICE, 'invite', MEMBER);
  await change(replica, roomId, MEMBER, 'join');
  if (start === 'knock') await change(replica, roomId, BOB, 'knock');
  if (start === 'invite' || start === 'join' || start === 'left') await change(replica, roomId, ALICE, 'invite', BOB);
  if (start === 'join' || start === 'left') await change(replica, roomId, BOB, 'join');
  if (start === 'left') await change(replica, roomId, BOB, 'leave');
  if (start === 'ban') await change(replica, roomId, ALICE, 'ban', BOB);
  const rules = { type: 'm.room.join_rules', stateKey: '', content: options.joinRules ?? { join_rule: 'invite' } };
  await send(replica, roomId, ALICE, rules);
  return roomId;
}

/** y: done; n: refused; =: stays as it is, and that is no error. */
type Outcome = 'y' | 'n' | '=';

async function outcomeOf(roomId: string, start: Start, actor: string, action: Action): Promise<Outcome> {
  const before = (await storedEvents(replica.db, roomId)).length;
  const done = await change(replica, roomId, actor, action, BOB).then(
    () => true,
    (error: { errcode?: string }) => {
      // Who is not banned cannot be unbanned, whoever asks.
      const errcode = action === 'unban' && start !== 'ban' ? 'M_BAD_STATE' : 'M_FORBIDDEN';
      expect(error).toMatchObject({ status: 403, errcode });
      return false;
    },
  );
  const added = (await storedEvents(replica.db, roomId)).length - before;
  expect(added).toBeLessThanOrEqual(done ? 1 : 0);
  return done ? (added === 1 ? 'y' : '=') : 'n';
}

describe.each(['11', '12'])('what becomes of a membership in room version %s', (version) => {
  it.each<[string, Action, string, RoomOptions['joinRules'], string]>([
    // never, invite, knock, join, left, ban
    ['Bob', 'join', BOB, { join_rule: 'public' }, 'y y y = y n'],
    ['Bob', 'join', BOB, { join_rule: 'invite' }, 'n y n = n n'],
    ['Bob', 'join', BOB, { join_rule: 'knock' }, 'n y n = n n'],
    ['Bob', 'join', BOB, { join_rule: 'private' }, 'n n n = n n'],
    ['Bob', 'join', BOB, {}, 'n y n = n n'],
    ['Bob', 'knock', BOB, { join_rule: 'knock' }, 'y n y n y n'],
    ['Bob', 'knock', BOB, { join_rule: 'invite' }, 'n n n n n n'],
    ['Bob', 'leave', BOB, { join_rule: 'invite' }, 'n y y y = n'],
    ['Alice', 'invite', ALICE, { join_rule: 'invite' }, 'y = y n y n'],
    ['Alice', 'kick', ALICE, { join_rule: 'invite' }, 'n y y y n n'],
    ['Alice', 'ban', ALICE, { join_rule: 'invite' }, 'y y y y y ='],
    ['Alice', 'unban', ALICE, { join_rule: 'invite' }, 'n n n n n y'],
    ['a member', 'invite', MEMBER, { join_rule: 'invite' }, 'y y y n y n'],
    ['a member', 'kick', MEMBER, { join_rule: 'invite' }, 'n n n n n n'],
    ['a member', 'ban', MEMBER, { join_rule: 'invite' }, 'n n n n n n'],
    ['a member', 'unban', MEMBER, { join_rule: 'invite' }, 'n n n n n n'],
    ['an outsider', 'invite', OUTSIDER, { join_rule: 'public' }, 'n n n n n n'],
    ['an outsider', 'kick', OUTSIDER, { join_rule: 'public' }, 'n n n n n n'],
    ['an outsider', 'ban', OUTSIDER, { join_rule: 'public' }, 'n n n n n n'],
    ['an outsider', 'unban', OUTSIDER, { join_rule: 'public' }, 'n n n n n n'],
    ['a member', 'join', MEMBER, { join_rule: 'public' }, 'n n n n n n'],
  ])('when %s asks to %s', async (_, action, actor, joinRules, expected) => {
    const outcomes = await Promise.all(
      STARTS.map(async (start) => {
        const roomId = await roomWithBob(start, { version, ...(joinRules && { joinRules }) });
        const outcome = await outcomeOf(roomId, start, actor, action);
        audit(await storedEvents(replica.db, roomId), rulesOf(version), servers.keys);
        return outcome;
      }),
    );
    expect(outcomes.join(' ')).toBe(expected);
  });
});

it('a kick or unban that is sent again is done once; who asks for it anew is told that nobody is there to kick', async () => {
  const roomId = await createRoom(replica);
  for (const action of ['kick', 'unban'] as const) {
    const asked = { roomId, sender: ALICE, target: BOB, contentJson: '{"reason":"so"}' };
    const number = action === 'kick' ? MembershipAction.KICK : MembershipAction.UNBAN;
    const request = { ...asked, action: number, requestId: `${action} of Bob` };
    await change(replica, roomId, BOB, 'join');
    if (action === 'unban') await change(replica, roomId, ALICE, 'ban', BOB);
    const first = await replica.rooms.changeMembership(request);
    const count = (await storedEvents(replica.db, roomId)).length;
    expect(await replica.rooms.changeMembership(request)).toEqual(first);
    expect(await storedEvents(replica.db, roomId)).toHaveLength(count);
    const refused = { status: 403, errcode: action === 'kick' ? 'M_FORBIDDEN' : 'M_BAD_STATE' };
    await expect(change(replica, roomId, ALICE, action, BOB, { reason: 'so' })).rejects.toMatchObject(refused);
    const other = { ...request, requestId: 'another' };
    await expect(replica.rooms.changeMembership(other)).rejects.toMatchObject(refused);
    await change(replica, roomId, BOB, 'join');
    expect(await replica.rooms.changeMembership(request)).toEqual(first);
    await change(replica, roomId, BOB, 'leave');
  }
});

it('a creator is given no power level in version 12, and no room is created twice', async () => {
  const more = '@other:one.test';
  const roomId = await createRoom(replica, { createContent: { additional_creators: [more] } });
  const set = (type: string, content: JsonObject, sender = ALICE) =>
    send(replica, roomId, sender, { type, content, stateKey: '' });
  const bad = { status: 400, errcode: 'M_BAD_JSON' };
  await expect(set('m.room.power_levels', { users: { [ALICE]: 100 } })).rejects.toMatchObject(bad);
  await expect(set('m.room.power_levels', { users: { [more]: 50 } })).rejects.toMatchObject(bad);
  await expect(set('m.room.create', { room_version: '12' })).rejects.toMatchObject(bad);
  await expect(set('m.room.create', { room_version: '12' }, BOB)).rejects.toMatchObject({ status: 403 });
  await set('m.room.power_levels', { users: { [BOB]: 50 } });
});

it('a profile changes in all rooms that let it, whatever the others do', async () => {
  const user = '@changing:one.test';
  const rooms: string[] = [];
  for (const joinRules of [{ join_rule: 'private' }, { join_rule: 'invite' }, { join_rule: 'public' }]) {
    const roomId = await createRoom(replica);
    await change(replica, roomId, user, 'join');
    await send(replica, roomId, ALICE, { type: 'm.room.join_rules', stateKey: '', content: joinRules });
    rooms.push(roomId);
  }
  expect(await replica.rooms.updateProfile({ userId: user, contentJson: '{"displayname":"New"}' })).toEqual({
    roomsUpdated: 2,
  });
});

describe('nobody', () => {
  it('kicks or bans whoever has as much power', async () => {
    const roomId = await createRoom(replica, {
      version: '11',
      powerLevels: { users: { [ALICE]: 100, [BOB]: 50, [CAROL]: 50 } },
    });
    for (const userId of [BOB, CAROL]) await change(replica, roomId, userId, 'join');
    for (const action of ['kick', 'ban'] as const) {
      await expect(change(replica, roomId, BOB, action, CAROL)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
      await expect(change(replica, roomId, BOB, action, ALICE)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    }
    await change(replica, roomId, BOB, 'leave');
  });

  it('bans a creator of version 12, whatever their power', async () => {
    const roomId = await createRoom(replica, { powerLevels: { users: { [BOB]: Number.MAX_SAFE_INTEGER } } });
    await change(replica, roomId, BOB, 'join');
    await expect(change(replica, roomId, BOB, 'ban', ALICE)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });

  it('gives themselves or others more power than they have', async () => {
    const roomId = await createRoom(replica, { powerLevels: { users: { [BOB]: 50 }, state_default: 50, events: {} } });
    await change(replica, roomId, BOB, 'join');
    const levels = (users: Record<string, number>) =>
      send(replica, roomId, BOB, {
        type: 'm.room.power_levels',
        stateKey: '',
        content: { users, state_default: 50, events: {} },
      });
    await expect(levels({ [BOB]: 51 })).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await expect(levels({ [BOB]: 50, [CAROL]: 51 })).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    // A creator stands above all levels, and may not be among them.
    await expect(levels({ [BOB]: 50, [ALICE]: 0 })).rejects.toMatchObject({ errcode: 'M_BAD_JSON' });
    await levels({ [BOB]: 50, [CAROL]: 50 });
  });
});

describe('a room that members of another may join', () => {
  const restrictedTo = (roomId: string, rule = 'restricted') => ({
    join_rule: rule,
    allow: [{ type: 'm.room_membership', room_id: roomId }, { type: 'm.unknown' }, 'nonsense'],
  });

  it.each(['8', '9', '10', '11', '12'])('lets them in, and nobody else, in version %s', async (version) => {
    const other = await createRoom(replica);
    const roomId = await createRoom(replica, { version, joinRules: restrictedTo(other) as never });
    await expect(change(replica, roomId, BOB, 'join')).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
    await change(replica, other, BOB, 'join');
    await change(replica, roomId, BOB, 'join', BOB, { displayname: 'Bob' });
    const events = await storedEvents(replica.db, roomId);
    expect(events.at(-1)?.pdu.content).toEqual({
      membership: 'join',
      displayname: 'Bob',
      join_authorised_via_users_server: ALICE,
    });
    audit(events, rulesOf(version), servers.keys);
    await change(replica, other, BOB, 'leave');
    await change(replica, roomId, BOB, 'leave');
    await expect(change(replica, roomId, BOB, 'join')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await change(replica, roomId, ALICE, 'invite', BOB);
    await change(replica, roomId, BOB, 'join');
    expect((await storedEvents(replica.db, roomId)).at(-1)?.pdu.content).toEqual({ membership: 'join' });
  });

  it('is not opened by who names somebody themselves', async () => {
    const other = await createRoom(replica);
    for (const [version, joiner] of [
      ['8', BOB],
      ['12', BOB],
      ['12', CAROL],
    ] as const) {
      const roomId = await createRoom(replica, { version, joinRules: restrictedTo(other) as never });
      const content = { membership: 'join', join_authorised_via_users_server: ALICE };
      const own = send(replica, roomId, joiner, { type: 'm.room.member', stateKey: joiner, content });
      await expect(own).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
      await expect(change(replica, roomId, joiner, 'join', joiner, content)).rejects.toMatchObject({ status: 403 });
    }
  });

  it('may also be joined by setting the state, and names who let in', async () => {
    const other = await createRoom(replica);
    const roomId = await createRoom(replica, { joinRules: restrictedTo(other) as never });
    await change(replica, other, CAROL, 'join');
    const content = { membership: 'join', join_authorised_via_users_server: '@nobody:one.test' };
    await send(replica, roomId, CAROL, { type: 'm.room.member', stateKey: CAROL, content });
    const events = await storedEvents(replica.db, roomId);
    expect(events.at(-1)?.pdu.content.join_authorised_via_users_server).toBe(ALICE);
    audit(events, rulesOf('12'), servers.keys);
  });

  it('keeps out who is banned', async () => {
    const other = await createRoom(replica);
    const roomId = await createRoom(replica, { joinRules: restrictedTo(other) as never });
    await change(replica, other, BOB, 'join');
    await change(replica, roomId, ALICE, 'ban', BOB);
    await expect(change(replica, roomId, BOB, 'join')).rejects.toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });

  it('needs somebody of ours who may invite', async () => {
    const other = await createRoom(replica);
    const roomId = await createRoom(replica, {
      version: '11',
      joinRules: restrictedTo(other) as never,
      powerLevels: { invite: 101, users: { [ALICE]: 100 } },
    });
    await change(replica, other, BOB, 'join');
    await expect(change(replica, roomId, BOB, 'join')).rejects.toMatchObject({
      status: 400,
      errcode: 'M_UNABLE_TO_GRANT_JOIN',
    });
  });

  it('may be knocked at where its rule says so', async () => {
    const other = await createRoom(replica);
    const roomId = await createRoom(replica, { joinRules: restrictedTo(other, 'knock_restricted') as never });
    await change(replica, roomId, BOB, 'knock');
    await change(replica, other, CAROL, 'join');
    await change(replica, roomId, CAROL, 'join');
    audit(await storedEvents(replica.db, roomId), rulesOf('12'), servers.keys);
  });

  it('changes the profile of its members without naming who let them in', async () => {
    const other = await createRoom(replica);
    const roomId = await createRoom(replica, { joinRules: restrictedTo(other) as never });
    await change(replica, other, BOB, 'join');
    await change(replica, roomId, BOB, 'join', BOB, { displayname: 'Bob', avatar_url: 'mxc://one.test/bob' });
    const { roomsUpdated } = await replica.rooms.updateProfile({
      userId: BOB,
      contentJson: '{"displayname":"Robert","avatar_url":null}',
    });
    expect(roomsUpdated).toBeGreaterThanOrEqual(2);
    const events = await storedEvents(replica.db, roomId);
    expect(events.at(-1)?.pdu.content).toEqual({ membership: 'join', displayname: 'Robert' });
    audit(events, rulesOf('12'), servers.keys);
  });
});

it('a user of another server is invited by nobody but by way of that server', async () => {
  const roomId = await createRoom(replica);
  const far = '@far:far.test';
  const content = { membership: 'invite' };
  const refused = { status: 403, errcode: 'M_FORBIDDEN' };
  const invite = { type: 'm.room.member', stateKey: far, content };
  await expect(change(replica, roomId, ALICE, 'invite', far)).rejects.toMatchObject(refused);
  await expect(send(replica, roomId, ALICE, invite)).rejects.toMatchObject(refused);
  await expect(createRoom(replica, { more: [invite] })).rejects.toMatchObject(refused);
  const others = (await storedEvents(replica.db, roomId)).filter(({ pdu }) => pdu.state_key === far);
  expect(others).toEqual([]);
});
