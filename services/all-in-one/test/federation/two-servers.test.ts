import { Authority, CryptoDevice, eventually } from '@ganglion/testing';
import { FederatedHomeserver } from '../support/federated-homeserver.js';
import type { Person } from '../support/person.js';

/** The machine may be slow, and servers try again. */
const PATIENCE_MS = 90_000;
const LONG_MS = 240_000;

let authority: Authority;
let here: FederatedHomeserver;
let there: FederatedHomeserver;
let anna: Person;
let bert: Person;

beforeAll(async () => {
  authority = await Authority.create('the internet');
  [here, there] = await Promise.all([FederatedHomeserver.start(authority), FederatedHomeserver.start(authority)]);
  anna = await here.person('anna');
  bert = await there.person('bert');
}, LONG_MS);
afterAll(async () => {
  await Promise.all([here.close(), there.close()]);
  authority.end();
}, LONG_MS);

const encoded = encodeURIComponent;

/** What somebody has been told in a room, oldest first. */
async function heard(person: Person, roomId: string): Promise<string[]> {
  const { body } = await person.get(`rooms/${encoded(roomId)}/messages?dir=b&limit=100`);
  const events: { type: string; content: { body?: string } }[] = body.chunk ?? [];
  return events
    .filter(({ type }) => type === 'm.room.message')
    .map(({ content }) => content.body ?? '')
    .reverse();
}

async function membershipOf(asking: Person, roomId: string, userId: string): Promise<string | undefined> {
  const { body } = await asking.get(`rooms/${encoded(roomId)}/state/m.room.member/${encoded(userId)}`);
  return body.membership;
}

const soon = (expectations: () => unknown) => eventually(expectations, PATIENCE_MS);

async function join(person: Person, roomIdOrAlias: string, via: FederatedHomeserver): Promise<void> {
  const answer = await person.post(`join/${encoded(roomIdOrAlias)}?via=${encoded(via.name)}`);
  expect(answer).toMatchObject({ status: 200 });
}

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

it(
  'messages to devices reach those of another server, in order, also when it was away',
  async () => {
    const send = (from: Person, to: Person, deviceId: string, n: number) =>
      from.put(`sendToDevice/m.test/${from.userId}${n}`, { messages: { [to.userId]: { [deviceId]: { n } } } });
    expect(await send(anna, bert, bert.deviceId, 1)).toMatchObject({ status: 200 });
    await there.pause();
    for (const n of [2, 3]) expect(await send(anna, bert, '*', n)).toMatchObject({ status: 200 });
    await there.resume();
    bert = there.again(bert);
    expect(await send(bert, anna, anna.deviceId, 1)).toMatchObject({ status: 200 });
    const numbers = async (person: Person) => {
      const { body } = await person.get('sync');
      const events: { type: string; content: { n: number } }[] = body.to_device?.events ?? [];
      return events.filter(({ type }) => type === 'm.test').map(({ content }) => content.n);
    };
    await soon(async () => expect(await numbers(bert)).toEqual([1, 2, 3]));
    await soon(async () => expect(await numbers(anna)).toEqual([1]));
  },
  LONG_MS,
);

it(
  'who shares a room hears that somebody of another server has a new device, and when it has ended',
  async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    const phone = await anna.onNewDevice();
    const device = new CryptoDevice(anna.userId, phone.deviceId);
    const told = async (since: string) => {
      const { body } = await bert.get(`sync?since=${since}`);
      return body.device_lists?.changed ?? [];
    };
    const known = async () => {
      const { body } = await bert.post('keys/query', { device_keys: { [anna.userId]: [] } });
      return Object.keys(body.device_keys?.[anna.userId] ?? {});
    };
    const { next_batch: before } = (await bert.get('sync')).body;
    await phone.must('POST', 'keys/upload', { device_keys: device.keys() });
    await soon(async () => expect(await told(before)).toContain(anna.userId));
    await soon(async () => expect(await known()).toContain(phone.deviceId));
    const { next_batch: between } = (await bert.get('sync')).body;
    await phone.must('POST', 'logout');
    await soon(async () => expect(await told(between)).toContain(anna.userId));
    await soon(async () => expect(await known()).not.toContain(phone.deviceId));
  },
  LONG_MS,
);

it(
  'people see who of another server types and what they have read, but for what is private',
  async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    const [first, second] = [await anna.say(roomId, 'first'), await anna.say(roomId, 'second')];
    await soon(async () => expect(await heard(bert, roomId)).toEqual(['first', 'second']));
    await soon(async () => {
      const sent = await bert.post(`rooms/${encoded(roomId)}/receipt/m.read/${encoded(first)}`);
      expect(sent.status).toBe(200);
    });
    await bert.must('POST', `rooms/${encoded(roomId)}/receipt/m.read.private/${encoded(second)}`);
    await bert.must('PUT', `rooms/${encoded(roomId)}/typing/${encoded(bert.userId)}`, {
      typing: true,
      timeout: 60_000,
    });
    const ephemeral = async (type: string) => {
      const { body } = await anna.get('sync');
      const events: { type: string; content: Record<string, unknown> }[] =
        body.rooms?.join?.[roomId]?.ephemeral.events ?? [];
      return events.find((event) => event.type === type)?.content;
    };
    await soon(async () => expect(await ephemeral('m.typing')).toEqual({ user_ids: [bert.userId] }));
    await soon(async () => {
      const content = (await ephemeral('m.receipt')) ?? {};
      expect(content[first]).toMatchObject({ 'm.read': { [bert.userId]: { ts: expect.any(Number) } } });
      expect(JSON.stringify(content[second] ?? {})).not.toContain(bert.userId);
    });
    await bert.must('PUT', `rooms/${encoded(roomId)}/typing/${encoded(bert.userId)}`, { typing: false });
    await soon(async () => expect((await ephemeral('m.typing'))?.user_ids ?? []).toEqual([]));
  },
  LONG_MS,
);

it(
  'people see how reachable somebody of another server is, and what they say about it',
  async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    const shown = async (person: Person) => {
      const { body } = await person.get('sync');
      const events: { sender: string; content: object }[] = body.presence?.events ?? [];
      return events.find(({ sender }) => sender === anna.userId)?.content;
    };
    for (const presence of ['online', 'unavailable']) {
      const path = `presence/${encoded(anna.userId)}/status`;
      expect((await anna.put(path, { presence, status_msg: `now ${presence}` })).status).toBe(200);
      await soon(async () => expect(await shown(bert)).toMatchObject({ presence, status_msg: `now ${presence}` }));
    }
  },
  LONG_MS,
);

it('a room of a server that is not there cannot be joined', async () => {
  const answer = await bert.post(`join/${encoded('!nowhere:127.0.0.1:1')}`);
  expect(answer.status).toBe(502);
  expect((await bert.post(`join/${encoded('!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')}`)).status).toBe(404);
});
