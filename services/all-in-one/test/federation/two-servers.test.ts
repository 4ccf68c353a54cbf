import type { FederatedHomeserver } from '../support/federated-homeserver.js';
import type { Person } from '../support/person.js';
import { heard, join, LONG_MS, membershipOf, soon, TwoHomeservers } from '../support/two-homeservers.js';

let servers: TwoHomeservers;
let here: FederatedHomeserver;
let there: FederatedHomeserver;
let anna: Person;
let bert: Person;

beforeAll(async () => {
  servers = await TwoHomeservers.start();
  ({ here, there, anna, bert } = servers);
}, LONG_MS);
afterAll(() => servers?.close(), LONG_MS);

const encoded = encodeURIComponent;

/** The invite that somebody sees in their /sync. */
async function invited(person: Person, roomId: string): Promise<void> {
  await soon(async () => {
    const { body } = await person.get('sync');
    expect(Object.keys(body.rooms?.invite ?? {})).toContain(roomId);
  });
}

it.each(['1', '6', '10', '11', '12'])(
  'people of two servers talk in a room of version %s',
  async (room_version) => {
    const roomId = await anna.createRoom({ preset: 'public_chat', room_version });
    await anna.say(roomId, 'before');
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    await anna.say(roomId, 'from here');
    await soon(async () => expect(await heard(bert, roomId)).toContain('from here'));
    await bert.say(roomId, 'from there');
    await soon(async () => expect((await heard(anna, roomId)).slice(-2)).toEqual(['from here', 'from there']));
  },
  LONG_MS,
);

it(
  'a room is found by an alias and in the directory of another server',
  async () => {
    const roomId = await anna.createRoom({ visibility: 'public', room_alias_name: 'meeting', name: 'The meeting' });
    const alias = `#meeting:${here.name}`;
    expect((await bert.get(`directory/room/${encoded(alias)}`)).body).toMatchObject({ room_id: roomId });
    const { body } = await bert.get(`publicRooms?server=${encoded(here.name)}`);
    expect(body.chunk).toContainEqual(expect.objectContaining({ room_id: roomId, name: 'The meeting' }));
    expect(await bert.post(`join/${encoded(alias)}`)).toMatchObject({ status: 200, body: { room_id: roomId } });
    expect(await bert.get(`directory/room/${encoded(`#other:${here.name}`)}`)).toMatchObject({ status: 404 });
  },
  LONG_MS,
);

it(
  'somebody is invited to another server, comes, is put out, and hears no more',
  async () => {
    const roomId = await anna.createRoom({ preset: 'private_chat', invite: [bert.userId], is_direct: true });
    await invited(bert, roomId);
    await join(bert, roomId, here);
    await soon(async () => {
      const { body } = await bert.get('sync');
      const events: { state_key?: string; unsigned: object }[] = body.rooms.join[roomId].timeline.events;
      expect(events.find((event) => event.state_key === bert.userId)?.unsigned).toMatchObject({
        ...{ prev_content: { membership: 'invite', is_direct: true }, prev_sender: anna.userId },
      });
    });
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    expect(await anna.post(`rooms/${encoded(roomId)}/kick`, { user_id: bert.userId })).toMatchObject({ status: 200 });
    await soon(async () => {
      const { body } = await bert.get('joined_rooms');
      expect(body.joined_rooms).not.toContain(roomId);
    });
    expect(await bert.post(`join/${encoded(roomId)}?via=${encoded(here.name)}`)).toMatchObject({
      ...{ status: 403, body: { errcode: 'M_FORBIDDEN' } },
    });
  },
  LONG_MS,
);

it(
  'somebody is invited by state that is sent, or that a room begins with, and their server signs it',
  async () => {
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    const path = `rooms/${encoded(roomId)}/state/m.room.member/${encoded(bert.userId)}`;
    const { status, body } = await anna.put(path, { membership: 'invite', reason: 'as state' });
    expect([status, body.event_id]).toEqual([200, expect.stringMatching(/^\$/)]);
    await invited(bert, roomId);
    await join(bert, roomId, here);
    const content = { membership: 'invite' };
    const initial_state = [{ type: 'm.room.member', state_key: bert.userId, content }];
    const other = await anna.createRoom({ preset: 'private_chat', initial_state });
    await invited(bert, other);
    await join(bert, other, here);
  },
  LONG_MS,
);

it(
  'the rooms of a space of another server are shown to whoever may see them',
  async () => {
    const space = await anna.createRoom({
      preset: 'public_chat',
      name: 'Space',
      creation_content: { type: 'm.space' },
    });
    const allow = [{ type: 'm.room_membership', room_id: space }];
    const restricted = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'restricted', allow } };
    const rooms = {
      open: await anna.createRoom({ preset: 'public_chat', name: 'Open' }),
      members: await anna.createRoom({ preset: 'private_chat', name: 'Members', initial_state: [restricted] }),
      secret: await anna.createRoom({ preset: 'private_chat', name: 'Secret' }),
      own: await bert.createRoom({ preset: 'public_chat', name: 'Own' }),
    };
    for (const [name, roomId] of Object.entries(rooms)) {
      const via = [name === 'own' ? there.name : here.name];
      await anna.put(`rooms/${encoded(space)}/state/m.space.child/${encoded(roomId)}`, { via, order: name });
    }
    const root = await bert.createRoom({ preset: 'private_chat', creation_content: { type: 'm.space' } });
    await bert.put(`rooms/${encoded(root)}/state/m.space.child/${encoded(space)}`, { via: [here.name] });
    const shown = async (roomId: string) => {
      const { body } = await bert.get(`/_matrix/client/v1/rooms/${encoded(roomId)}/hierarchy?limit=20`);
      return body.rooms?.map(({ name }: { name?: string }) => name ?? '');
    };
    expect(await shown(root)).toEqual(['', 'Space', 'Open', 'Own']);
    await join(bert, space, here);
    await soon(async () => expect(await membershipOf(anna, space, bert.userId)).toBe('join'));
    await soon(async () => expect(await shown(space)).toEqual(['Space', 'Members', 'Open', 'Own']));
    const summary = (roomId: string) =>
      bert.get(`/_matrix/client/v1/room_summary/${encoded(roomId)}?via=${encoded(here.name)}`);
    expect(await summary(rooms.open)).toMatchObject({ status: 200, body: { name: 'Open', membership: 'leave' } });
    expect(await summary(rooms.secret)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  },
  LONG_MS,
);

it(
  'an invite is declined, and whoever made it hears of that',
  async () => {
    const roomId = await anna.createRoom({ preset: 'private_chat', invite: [bert.userId] });
    await invited(bert, roomId);
    expect(await bert.post(`rooms/${encoded(roomId)}/leave`)).toMatchObject({ status: 200 });
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('leave'));
    const { body } = await bert.get('sync');
    expect(Object.keys(body.rooms?.invite ?? {})).not.toContain(roomId);
  },
  LONG_MS,
);

it(
  'an invite is declined though the server that it came from is gone, and though its sender has left the room',
  async () => {
    const [left, gone] = [
      await anna.createRoom({ preset: 'private_chat', invite: [bert.userId] }),
      await anna.createRoom({ preset: 'private_chat', invite: [bert.userId] }),
    ];
    await invited(bert, left);
    await invited(bert, gone);
    expect(await anna.post(`rooms/${encoded(left)}/leave`)).toMatchObject({ status: 200 });
    expect(await bert.post(`rooms/${encoded(left)}/leave`)).toMatchObject({ status: 200 });
    await here.pause();
    expect(await bert.post(`rooms/${encoded(gone)}/leave`)).toMatchObject({ status: 200 });
    await soon(async () => {
      const { body } = await bert.get('sync');
      expect(Object.keys(body.rooms?.invite ?? {})).not.toEqual(expect.arrayContaining([left]));
      expect(Object.keys(body.rooms?.invite ?? {})).not.toEqual(expect.arrayContaining([gone]));
    });
    await here.resume();
    anna = here.again(anna);
  },
  LONG_MS,
);

it(
  'who has left with everybody of their server comes back to what was said meanwhile',
  async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    expect(await bert.post(`rooms/${encoded(roomId)}/leave`)).toMatchObject({ status: 200 });
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('leave'));
    await anna.say(roomId, 'while you were away');
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    await anna.say(roomId, 'welcome back');
    await soon(async () => {
      expect((await heard(bert, roomId)).slice(-2)).toEqual(['while you were away', 'welcome back']);
    });
  },
  LONG_MS,
);

it(
  'who knocks at a room of another server is let in',
  async () => {
    const join_rules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } };
    const roomId = await anna.createRoom({ initial_state: [join_rules], room_version: '10' });
    expect(await bert.post(`knock/${encoded(roomId)}?via=${encoded(here.name)}`)).toMatchObject({ status: 200 });
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('knock'));
    expect(await anna.post(`rooms/${encoded(roomId)}/invite`, { user_id: bert.userId })).toMatchObject({ status: 200 });
    await invited(bert, roomId);
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
  },
  LONG_MS,
);

it(
  'members of one room are let into another one by a server that can tell',
  async () => {
    const space = await anna.createRoom({ preset: 'public_chat' });
    const allow = [{ type: 'm.room_membership', room_id: space }];
    const content = { join_rule: 'restricted', allow };
    const join_rules = { type: 'm.room.join_rules', state_key: '', content };
    const roomId = await anna.createRoom({ initial_state: [join_rules] });
    const path = `join/${encoded(roomId)}?via=${encoded(here.name)}`;
    expect(await bert.post(path)).toMatchObject({ status: 403 });
    await join(bert, space, here);
    await soon(async () => expect(await membershipOf(anna, space, bert.userId)).toBe('join'));
    expect(await bert.post(path)).toMatchObject({ status: 200 });
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
  },
  LONG_MS,
);

it(
  'who has just come to one room is let into another one by a server that hears of that a little later',
  async () => {
    const space = await anna.createRoom({ preset: 'public_chat' });
    const allow = [{ type: 'm.room_membership', room_id: space }];
    const join_rules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'restricted', allow } };
    const roomId = await anna.createRoom({
      ...{ initial_state: [join_rules], power_level_content_override: { invite: 100 } },
    });
    await join(bert, space, here);
    await join(bert, roomId, here);
    const carl = await there.person('carl');
    await join(carl, space, here);
    await join(carl, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, carl.userId)).toBe('join'));
  },
  LONG_MS,
);

it(
  'a server that was away hears of what was said when it is back, and is heard',
  async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    await there.pause();
    for (const text of ['one', 'two', 'three']) await anna.say(roomId, text);
    await there.resume();
    bert = there.again(bert);
    await bert.say(roomId, 'I am back');
    await soon(async () => {
      const own = await heard(anna, roomId);
      expect(own.toSorted()).toEqual(['I am back', 'one', 'three', 'two']);
      expect((await heard(bert, roomId)).toSorted()).toEqual(own.toSorted());
    });
  },
  LONG_MS,
);

it('a room of a server that is not there cannot be joined', async () => {
  const answer = await bert.post(`join/${encoded('!nowhere:127.0.0.1:1')}`);
  expect(answer.status).toBe(502);
  expect((await bert.post(`join/${encoded('!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')}`)).status).toBe(404);
});
