import {
  encodeBase64,
  generateSigningKey,
  type JsonObject,
  ready,
  roomVersionRules,
  type SigningKey,
  signEvent,
  signJson,
} from '@ganglion/protocol';
import { type Asked, eventually, FarRefusal, pduOf } from '@ganglion/testing';
import { Neighbours } from '../support/federation.js';
import { inRoom, type Person } from '../support/person.js';

let neighbours: Neighbours;
let alice: Person;
beforeAll(async () => {
  neighbours = await Neighbours.meet();
  alice = await neighbours.person('alice');
});
afterAll(() => neighbours.close());

const UNRECOGNIZED = new FarRefusal(404, { errcode: 'M_UNRECOGNIZED', error: 'No such endpoint' });

const UNWILLING = new FarRefusal(403, { errcode: 'M_FORBIDDEN', error: 'Profiles are nobody else’s business' });

/** A server that was written before invites said which version the room has, and tells nothing of its users. */
function answerAsOfOld(version: string, changes: object = {}, refusal = UNRECOGNIZED) {
  const { far } = neighbours;
  return ({ path, body }: Asked): object | undefined => {
    if (path.startsWith('/_matrix/federation/v2/invite')) return refusal;
    if (path.startsWith('/_matrix/federation/v1/query/profile')) return UNWILLING;
    if (!path.startsWith('/_matrix/federation/v1/invite')) return undefined;
    const { unsigned, ...event } = JSON.parse(body) as JsonObject;
    expect(unsigned).toMatchObject({ invite_room_state: expect.arrayContaining([]) });
    const signed = signEvent({ ...event, ...changes } as never, roomVersionRules(version)!, far.name, far.key);
    return [200, { event: signed }];
  };
}

const invite = (roomId: string, user_id: string) => alice.post(`${inRoom(roomId)}/invite`, { user_id });
const membership = async (roomId: string, userId: string) =>
  (await alice.get(`${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`)).body.membership;

describe('a server that knows invites in their first form alone', () => {
  it.each(['1', '2'])('is asked in that form about rooms of version %s', async (version) => {
    neighbours.far.answering = answerAsOfOld(version);
    const carl = neighbours.far.user(`carl-${version}`);
    const roomId = await alice.createRoom({ room_version: version });
    expect(await invite(roomId, carl)).toMatchObject({ status: 200 });
    expect(await membership(roomId, carl)).toBe('invite');
  });

  it.each([
    ['400', new FarRefusal(400, { errcode: 'M_UNKNOWN', error: 'What is that?' })],
    ['404', new FarRefusal(404, { errcode: 'M_NOT_FOUND', error: 'Where is that?' })],
  ])('is asked in that form when it answers %s to the other one', async (status, refusal) => {
    neighbours.far.answering = answerAsOfOld('1', {}, refusal);
    const carl = neighbours.far.user(`carl-${status}`);
    const roomId = await alice.createRoom({ room_version: '1' });
    expect(await invite(roomId, carl)).toMatchObject({ status: 200 });
  });

  it('is not asked about rooms of which it can know nothing', async () => {
    neighbours.far.answering = answerAsOfOld('11');
    const carl = neighbours.far.user('carl-11');
    const roomId = await alice.createRoom({ room_version: '11' });
    expect((await invite(roomId, carl)).status).toBe(404);
    expect(await membership(roomId, carl)).toBeUndefined();
  });

  it('cannot sign another event than it was given', async () => {
    neighbours.far.answering = answerAsOfOld('1', { origin_server_ts: 1 });
    const dora = neighbours.far.user('dora');
    const roomId = await alice.createRoom({ room_version: '1' });
    expect((await invite(roomId, dora)).status).toBe(502);
    expect(await membership(roomId, dora)).toBeUndefined();
  });
});

describe('an invite of somebody of another server', () => {
  it.each([
    ['does not sign it', (event: object) => event],
    [
      'signs it with a key that it has not published',
      (event: object, version: string) => {
        const { name } = neighbours.far;
        return signEvent(event as never, roomVersionRules(version)!, name, generateSigningKey('other'));
      },
    ],
    ['answers with nothing', () => undefined],
  ])('is none if that %s', async (_, sign) => {
    neighbours.far.answering = ({ path, body }) => {
      if (!path.startsWith('/_matrix/federation/v2/invite')) return undefined;
      const { event, room_version } = JSON.parse(body);
      return { event: sign(event, room_version) };
    };
    const emil = neighbours.far.user('emil');
    const roomId = await alice.createRoom();
    expect((await invite(roomId, emil)).status).toBe(502);
    expect(await membership(roomId, emil)).toBeUndefined();
  });
});

it('an invite that another server finds wrong is none of the user’s mistakes', async () => {
  neighbours.far.answering = ({ path }) =>
    path.includes('/invite/') ? new FarRefusal(400, { errcode: 'M_INVALID_PARAM', error: 'Odd' }) : undefined;
  const roomId = await alice.createRoom();
  expect((await invite(roomId, neighbours.far.user('odd'))).status).toBe(502);
});

describe('an invite of one of ours', () => {
  it('is withdrawn by whoever of the inviter’s server may do that', async () => {
    const { far } = neighbours;
    const bob = await neighbours.person('withdrawn');
    const room = far.room({}, neighbours.replicas[0].signingKeys);
    const moderator = far.user('moderator');
    room.member(moderator, 'join');
    room.state('m.room.power_levels', { users: { [room.creator]: 100, [moderator]: 50 } });
    const inviting = room.member(bob.userId, 'invite', room.creator);
    const path = `/_matrix/federation/v2/invite/${encodeURIComponent(room.roomId)}/${encodeURIComponent(inviting.eventId)}`;
    const offer = { room_version: room.rules.id, event: pduOf(inviting), invite_room_state: [] };
    expect((await far.ask(neighbours.url, 'PUT', path, offer)).status).toBe(200);
    const withdrawn = room.member(bob.userId, 'leave', moderator);
    const { body } = await far.send(neighbours.url, { pdus: [pduOf(withdrawn)] });
    expect(body.pdus).toEqual({ [withdrawn.eventId]: {} });
  });

  it('is not ended by what happened before it and came late', async () => {
    const { far } = neighbours;
    const bob = await neighbours.person('bob');
    const room = far.room({}, neighbours.replicas[0].signingKeys);
    room.member(bob.userId, 'ban', room.creator);
    const unban = room.member(bob.userId, 'leave', room.creator);
    const inviting = room.member(bob.userId, 'invite', room.creator);
    const event = pduOf(inviting);
    const path = `/_matrix/federation/v2/invite/${encodeURIComponent(room.roomId)}/${encodeURIComponent(inviting.eventId)}`;
    const offer = { room_version: room.rules.id, event, invite_room_state: [] };
    expect((await far.ask(neighbours.url, 'PUT', path, offer)).status).toBe(200);
    const invited = async () => Object.keys((await bob.get('sync')).body.rooms?.invite ?? {});
    await eventually(async () => expect(await invited()).toContain(room.roomId), 30_000);
    const refused = { [unban.eventId]: { error: expect.stringContaining('older') } };
    expect((await far.send(neighbours.url, { pdus: [pduOf(unban)] })).body.pdus).toEqual(refused);
    const withdrawn = room.member(bob.userId, 'leave', room.creator);
    expect((await far.send(neighbours.url, { pdus: [pduOf(withdrawn)] })).body.pdus).toEqual({
      [withdrawn.eventId]: {},
    });
    await eventually(async () => expect(await invited()).not.toContain(room.roomId), 30_000);
  });
});

describe('an invite of an address', () => {
  let identity: SigningKey;
  beforeAll(async () => {
    await ready();
    identity = generateSigningKey('0');
  });
  const exchange = (roomId: string, carl: string, changes: object = {}) => {
    const signed = signJson({ mxid: carl, token: 'abc' }, 'id.test', identity);
    const content = { membership: 'invite', third_party_invite: { signed: { ...signed, ...changes } } };
    const event = { type: 'm.room.member', room_id: roomId, sender: alice.userId, state_key: carl, content };
    const path = `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(roomId)}`;
    return neighbours.far.ask(neighbours.url, 'PUT', path, event as unknown as JsonObject);
  };

  it('becomes one of the user for whom an identity server has signed, and of nobody else', async () => {
    const { far } = neighbours;
    far.answering = ({ path, body }) => {
      if (!path.startsWith('/_matrix/federation/v2/invite')) return undefined;
      const { event, room_version } = JSON.parse(body);
      return { event: signEvent(event, roomVersionRules(room_version)!, far.name, far.key) };
    };
    const carl = far.user('carl-by-mail');
    const roomId = await alice.createRoom({ preset: 'private_chat' });
    const key = { public_key: encodeBase64(identity.publicKey), key_validity_url: 'https://id.test/valid' };
    // Without an address to ask at, that one is good for ever.
    const public_keys = [{ public_key: key.public_key }];
    const invitation = { display_name: 'c...@f...', ...key, public_keys };
    await alice.put(`${inRoom(roomId)}/state/m.room.third_party_invite/abc`, invitation);
    expect((await exchange(roomId, far.user('dora'), { mxid: carl })).status).toBe(400);
    expect((await exchange(roomId, carl, { token: 'other' })).status).toBe(403);
    expect(await membership(roomId, carl)).toBeUndefined();
    expect(await exchange(roomId, carl)).toEqual({ status: 200, body: {} });
    const { body } = await alice.get(`${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(carl)}`);
    expect(body).toMatchObject({ membership: 'invite', third_party_invite: { display_name: 'c...@f...' } });
  });
});
