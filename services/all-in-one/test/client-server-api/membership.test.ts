import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let replica: Replica;
let alice: Person;
let bob: Person;
let carol: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  const register = (name: string) => Person.register(replica.url, name);
  [alice, bob, carol] = await Promise.all([register('alice'), register('bob'), register('carol')]);
});

const refusal = ({ status, body }: Answer) => [status, body.errcode];
const FORBIDDEN = [403, 'M_FORBIDDEN'];
const DONE = [200, undefined];

/** Does something to a membership; how that went. */
async function does(actor: Person, action: string, roomId: string, target?: Person, more: object = {}) {
  const body = target === undefined ? more : { user_id: target.userId, ...more };
  return refusal(await actor.post(`${inRoom(roomId)}/${action}`, body));
}

async function memberEvent(roomId: string, of: Person, asSeenBy = alice) {
  return asSeenBy.must('GET', `${inRoom(roomId)}/state/m.room.member/${of.userId}`);
}

describe('joining', () => {
  it('is for those whom the rule of the room lets in', async () => {
    const [open, closed] = [await alice.createRoom({ preset: 'public_chat' }), await alice.createRoom()];
    expect(await does(bob, 'join', open)).toEqual(DONE);
    expect(await does(bob, 'join', open)).toEqual(DONE);
    expect(await does(bob, 'join', closed)).toEqual(FORBIDDEN);
    await alice.must('POST', `${inRoom(closed)}/invite`, { user_id: bob.userId });
    expect(await does(bob, 'join', closed, undefined, { reason: 'asked' })).toEqual(DONE);
    expect(await memberEvent(closed, bob)).toMatchObject({ membership: 'join', reason: 'asked' });
  });

  it('carries what the client adds, the name, and nothing of what only the server may say', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.must('PUT', `profile/${bob.userId}/displayname`, { displayname: 'Bob' });
    const forged = { membership: 'ban', join_authorised_via_users_server: alice.userId, displayname: 'Alice' };
    expect(await does(bob, 'join', roomId, undefined, { ...forged, 'org.example': [1] })).toEqual(DONE);
    expect(await memberEvent(roomId, bob)).toEqual({ membership: 'join', displayname: 'Bob', 'org.example': [1] });
  });

  it('needs a room', async () => {
    const absent = await bob.post('join/%21nothing:one.test');
    expect(refusal(absent)).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await bob.post('join/%23nothing:one.test'))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await bob.post('join/nothing'))).toEqual([400, 'M_INVALID_PARAM']);
    expect(refusal(await bob.post('rooms/nothing/join'))).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('of a restricted room is for the members of the other', async () => {
    const space = await alice.createRoom({ preset: 'public_chat' });
    const allow = [{ type: 'm.room_membership', room_id: space }];
    const rule = { type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } };
    const roomId = await alice.createRoom({ initial_state: [rule] });
    expect(await does(bob, 'join', roomId)).toEqual(FORBIDDEN);
    await bob.must('POST', `${inRoom(space)}/join`);
    expect(await does(bob, 'join', roomId)).toEqual(DONE);
    expect((await memberEvent(roomId, bob)).join_authorised_via_users_server).toBe(alice.userId);
  });
});

describe('inviting', () => {
  it('is for members with the power to, of those who are not there', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    expect(await does(bob, 'invite', roomId, carol)).toEqual(FORBIDDEN);
    await bob.must('POST', `${inRoom(roomId)}/join`);
    expect(await does(bob, 'invite', roomId, carol)).toEqual(FORBIDDEN);
    expect(await does(alice, 'invite', roomId, bob)).toEqual(FORBIDDEN);
    expect(await does(alice, 'invite', roomId, carol, { reason: 'cake' })).toEqual(DONE);
    expect(await does(alice, 'invite', roomId, carol, { reason: 'cake' })).toEqual(DONE);
    expect(await memberEvent(roomId, carol)).toMatchObject({ membership: 'invite', reason: 'cake' });
    await alice.must('POST', `${inRoom(roomId)}/ban`, { user_id: carol.userId });
    expect(await does(alice, 'invite', roomId, carol)).toEqual(FORBIDDEN);
  });

  it('needs somebody', async () => {
    const roomId = await alice.createRoom();
    expect(refusal(await alice.post(`${inRoom(roomId)}/invite`, {}))).toEqual([400, 'M_BAD_JSON']);
    expect(refusal(await alice.post(`${inRoom(roomId)}/invite`, { user_id: 'bob' }))).toEqual([400, 'M_BAD_JSON']);
    expect(refusal(await alice.post(`${inRoom(roomId)}/invite`, { user_id: 5 }))).toEqual([400, 'M_BAD_JSON']);
    expect(await does(alice, 'invite', '!nothing:one.test', bob)).toEqual([404, 'M_NOT_FOUND']);
  });

  it('can be declined, and asked again', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    expect(await does(bob, 'leave', roomId, undefined, { reason: 'no cake' })).toEqual(DONE);
    expect(await memberEvent(roomId, bob)).toEqual({ membership: 'leave', reason: 'no cake' });
    expect(await does(bob, 'join', roomId)).toEqual(FORBIDDEN);
    expect(await does(alice, 'invite', roomId, bob)).toEqual(DONE);
    expect(await does(bob, 'join', roomId)).toEqual(DONE);
  });
});

describe('leaving', () => {
  it('can be done twice, and not by who never was there', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    expect(await does(bob, 'leave', roomId)).toEqual(FORBIDDEN);
    await bob.must('POST', `${inRoom(roomId)}/join`);
    expect([await does(bob, 'leave', roomId), await does(bob, 'leave', roomId)]).toEqual([DONE, DONE]);
    expect(refusal(await bob.put(`${inRoom(roomId)}/send/m.room.message/1`, { body: 'x' }))).toEqual(FORBIDDEN);
    expect(await does(bob, 'leave', '!nothing:one.test')).toEqual([404, 'M_NOT_FOUND']);
  });
});

it('a reason may be any text, as all content may', async () => {
  const reason = 'half\0 of it';
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  for (const [action, actor, target] of [
    ['join', bob],
    ['kick', alice, bob],
    ['ban', alice, bob],
  ] as const) {
    expect(await does(actor, action, roomId, target, { reason })).toEqual(DONE);
    expect(await memberEvent(roomId, bob)).toMatchObject({ reason });
  }
  const eventId = await alice.say(roomId, 'text', 'first');
  await alice.must('PUT', `${inRoom(roomId)}/redact/${encodeURIComponent(eventId)}/1`, { reason });
  await alice.must('PUT', `${inRoom(roomId)}/state/m.room.topic`, { topic: reason });
  expect(await alice.must('GET', `${inRoom(roomId)}/state/m.room.topic`)).toEqual({ topic: reason });
});

describe('kicking, banning and unbanning', () => {
  it('take power over whom it is done to', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    for (const person of [bob, carol]) await person.must('POST', `${inRoom(roomId)}/join`);
    expect(await does(bob, 'kick', roomId, carol)).toEqual(FORBIDDEN);
    expect(await does(bob, 'ban', roomId, carol)).toEqual(FORBIDDEN);
    expect(await does(bob, 'kick', roomId, alice)).toEqual(FORBIDDEN);
    expect(await does(alice, 'kick', roomId, bob, { reason: 'noise' })).toEqual(DONE);
    expect(await memberEvent(roomId, bob)).toEqual({ membership: 'leave', reason: 'noise' });
    expect(await does(bob, 'join', roomId)).toEqual(DONE);
    expect(await does(alice, 'ban', roomId, bob, { reason: 'more noise' })).toEqual(DONE);
    expect(await does(alice, 'ban', roomId, bob, { reason: 'more noise' })).toEqual(DONE);
    expect(await does(bob, 'join', roomId)).toEqual(FORBIDDEN);
    expect(await does(bob, 'leave', roomId)).toEqual(FORBIDDEN);
    expect(await does(carol, 'unban', roomId, bob)).toEqual(FORBIDDEN);
    expect(await does(alice, 'kick', roomId, bob)).toEqual(FORBIDDEN);
    expect(await does(alice, 'unban', roomId, bob)).toEqual(DONE);
    expect(await does(bob, 'join', roomId)).toEqual(DONE);
  });

  it('of those who are not there', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    expect(await does(alice, 'kick', roomId, bob)).toEqual(FORBIDDEN);
    expect(await does(alice, 'unban', roomId, bob)).toEqual([403, 'M_BAD_STATE']);
    expect(await does(alice, 'ban', roomId, bob)).toEqual(DONE);
    expect(await does(bob, 'join', roomId)).toEqual(FORBIDDEN);
    for (const action of ['kick', 'ban', 'unban']) {
      expect(refusal(await alice.post(`${inRoom(roomId)}/${action}`, {}))).toEqual([400, 'M_BAD_JSON']);
      expect(await does(alice, action, '!nothing:one.test', bob)).toEqual([404, 'M_NOT_FOUND']);
    }
  });

  it('shows who left before they were banned the state of then', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', topic: 'then' });
    await bob.must('POST', `${inRoom(roomId)}/join`);
    await bob.must('POST', `${inRoom(roomId)}/leave`);
    await alice.must('PUT', `${inRoom(roomId)}/state/m.room.topic`, { topic: 'now' });
    await alice.must('POST', `${inRoom(roomId)}/ban`, { user_id: bob.userId });
    expect(await bob.must('GET', `${inRoom(roomId)}/state/m.room.topic`)).toMatchObject({ topic: 'then' });
    const state = await bob.must('GET', `${inRoom(roomId)}/state`);
    expect(state.map(({ content }: { content: { membership?: string } }) => content.membership)).not.toContain('ban');
    expect(refusal(await bob.get(`${inRoom(roomId)}/joined_members`))).toEqual(FORBIDDEN);
  });
});

describe('knocking', () => {
  it('is answered where the rule lets one knock, and nowhere else', async () => {
    const rule = { type: 'm.room.join_rules', content: { join_rule: 'knock' } };
    const roomId = await alice.createRoom({ initial_state: [rule] });
    const knock = (person: Person, room: string) => person.post(`knock/${encodeURIComponent(room)}`, { reason: 'hi' });
    expect((await knock(bob, roomId)).body).toEqual({ room_id: roomId });
    expect(await memberEvent(roomId, bob)).toMatchObject({ membership: 'knock', reason: 'hi' });
    expect(await does(bob, 'join', roomId)).toEqual(FORBIDDEN);
    expect(await does(alice, 'invite', roomId, bob)).toEqual(DONE);
    expect(await does(bob, 'join', roomId)).toEqual(DONE);
    expect(refusal(await knock(bob, roomId))).toEqual(FORBIDDEN);
    expect(refusal(await knock(carol, await alice.createRoom()))).toEqual(FORBIDDEN);
    expect(refusal(await knock(carol, '!nothing:one.test'))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await knock(carol, '#nothing:one.test'))).toEqual([404, 'M_NOT_FOUND']);
    const old = await alice.createRoom({ room_version: '6', preset: 'public_chat' });
    expect(refusal(await knock(carol, old))).toEqual(FORBIDDEN);
  });
});

describe('forgetting', () => {
  it('is for those who have left, and hides the room from them', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.must('POST', `${inRoom(roomId)}/join`);
    expect(await does(bob, 'forget', roomId)).toEqual([400, 'M_UNKNOWN']);
    await bob.must('POST', `${inRoom(roomId)}/leave`);
    expect([await does(bob, 'forget', roomId), await does(bob, 'forget', roomId)]).toEqual([DONE, DONE]);
    for (const path of ['messages?dir=b', 'state', 'state/m.room.create', 'members']) {
      expect([path, ...refusal(await bob.get(`${inRoom(roomId)}/${path}`))]).toEqual([path, ...FORBIDDEN]);
    }
    expect(await does(bob, 'join', roomId)).toEqual(DONE);
    expect((await bob.get(`${inRoom(roomId)}/state`)).status).toBe(200);
  });
});
