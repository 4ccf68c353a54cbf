import type { RateLimitName, RefundingRateLimiter } from '@ganglion/contracts';
import { EXAMPLES, setScene } from './support/endpoint-examples.js';
import { FEDERATION_EXAMPLES } from './support/federation-examples.js';
import { Homeserver, type Replica, WITH_EMAIL } from './support/homeserver.js';
import { pathOf } from './support/hostile-input.js';
import { KEY_EXAMPLES } from './support/key-examples.js';
import { MEDIA_EXAMPLES, MODERATION_EXAMPLES } from './support/media-examples.js';
import { type Answer, exchange, inRoom, Person } from './support/person.js';
import { RELATION_EXAMPLES } from './support/relation-examples.js';
import { PURGE_EXAMPLES, ROOM_EXAMPLES, THIRD_PARTY_EXAMPLES } from './support/room-examples.js';

/** Remembers what was counted, and refuses what it is told to. */
class RecordingLimiter implements RefundingRateLimiter {
  taken: string[] = [];
  full: RateLimitName | undefined;

  async take(name: RateLimitName, key: string, uses = 1) {
    this.taken.push(`${name} ${key}${uses === 1 ? '' : ` ${uses}`}`);
    return this.full === name ? { allowed: false, retryAfterMs: 1 } : { allowed: true, retryAfterMs: 0 };
  }

  async giveBack(name: RateLimitName, key: string) {
    this.taken.splice(this.taken.indexOf(`${name} ${key}`), 1);
  }
}

let homeserver: Homeserver;
let replica: Replica;
const limiter = new RecordingLimiter();
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start(WITH_EMAIL, limiter);
});
afterAll(() => homeserver.close());
beforeEach(() => {
  limiter.full = undefined;
});

const V3 = '/_matrix/client/v3';
const IN_ROOM = `${V3}/rooms/:roomId`;
const DELAYED = '/_matrix/client/unstable/org.matrix.msc4140';
const SUBSCRIPTION = '/_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:rootId/subscription';
const RULES = `${V3}/pushrules/:scope`;
const PROFILES = [`${V3}/profile/:userId`, '/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId'];

/** What is counted for a request to each endpoint. */
const LIMITS: Readonly<Record<string, readonly RateLimitName[]>> = {
  [`POST ${V3}/login`]: ['login'],
  [`POST ${V3}/refresh`]: ['refresh'],
  [`POST ${V3}/register`]: ['lookups', 'registration'],
  [`GET ${V3}/register/available`]: ['lookups'],
  [`POST ${V3}/account/password`]: ['account'],
  [`POST ${V3}/account/3pid`]: ['account'],
  ...Object.fromEntries(
    ['add', 'bind', 'delete', 'unbind'].map((path) => [`POST ${V3}/account/3pid/${path}`, ['account']]),
  ),
  ...Object.fromEntries(
    ['register', 'account/password', 'account/3pid'].flatMap((path) => [
      [
        `POST ${V3}/${path}/email/requestToken`,
        ['emails', 'emails_per_recipient_from_network', 'emails_per_recipient'],
      ],
      [`POST ${V3}/${path}/msisdn/requestToken`, ['emails']],
    ]),
  ),
  [`GET ${V3}/auth/:authType/fallback/web`]: ['lookups'],
  [`POST ${V3}/auth/:authType/fallback/web`]: ['lookups'],
  'GET /_matrix/static/client/login': ['lookups'],
  'GET /_ganglion/client/email/confirm': ['lookups'],
  'POST /_ganglion/client/email/confirm': ['lookups'],
  'GET /_ganglion/client/email/renew': ['lookups'],
  'POST /_ganglion/client/email/renew': ['lookups'],
  'POST /_matrix/client/unstable/account_validity/send_mail': ['account', 'emails_per_recipient'],
  [`POST ${V3}/account/deactivate`]: ['account'],
  [`PUT ${V3}/devices/:deviceId`]: ['account'],
  [`DELETE ${V3}/devices/:deviceId`]: ['account'],
  [`POST ${V3}/delete_devices`]: ['account'],
  'PUT /_matrix/client/v1/admin/lock/:userId': ['account'],
  'POST /_matrix/client/v1/login/get_token': ['login_tokens'],
  [`POST ${V3}/user/:userId/openid/request_token`]: ['openid'],
  'GET /_matrix/federation/v1/openid/userinfo': ['lookups'],
  'PUT /_matrix/federation/v1/3pid/onbind': ['lookups'],
  'GET /_matrix/client/v1/register/m.login.registration_token/validity': ['lookups'],
  [`PUT ${V3}/user/:userId/rooms/:roomId/tags/:tag`]: ['account_data'],
  [`DELETE ${V3}/user/:userId/rooms/:roomId/tags/:tag`]: ['account_data'],
  'DELETE /_matrix/client/unstable/org.matrix.msc3391/user/:userId/account_data/:type': ['account_data'],
  'DELETE /_matrix/client/unstable/org.matrix.msc3391/user/:userId/rooms/:roomId/account_data/:type': ['account_data'],
  'PUT /_matrix/client/v1/admin/suspend/:userId': ['account'],
  ...Object.fromEntries(
    PROFILES.flatMap((path) => [`GET ${path}`, `GET ${path}/:keyName`]).map((it) => [it, ['lookups']]),
  ),
  ...Object.fromEntries(
    PROFILES.flatMap((path) => [`PUT ${path}/:keyName`, `DELETE ${path}/:keyName`]).map((it) => [it, ['profile']]),
  ),
  [`PUT ${V3}/user/:userId/account_data/:type`]: ['account_data'],
  [`PUT ${V3}/user/:userId/rooms/:roomId/account_data/:type`]: ['account_data'],
  [`POST ${V3}/user/:userId/filter`]: ['account_data'],
  [`PUT ${RULES}`]: ['account_data'],
  [`PUT ${RULES}/:kind`]: ['account_data'],
  [`PUT ${RULES}/:kind/:ruleId`]: ['account_data'],
  [`PUT ${RULES}/:kind/:ruleId/:attribute`]: ['account_data'],
  [`DELETE ${RULES}`]: ['account_data'],
  [`DELETE ${RULES}/:kind`]: ['account_data'],
  [`DELETE ${RULES}/:kind/:ruleId`]: ['account_data'],
  [`POST ${V3}/pushers/set`]: ['account_data'],
  [`POST ${V3}/createRoom`]: ['room_creation', 'invites'],
  [`POST ${V3}/user_directory/search`]: ['public_rooms'],
  [`POST ${IN_ROOM}/upgrade`]: ['room_creation'],
  [`GET ${V3}/joined_rooms`]: ['room_reads'],
  [`POST ${V3}/join/:roomIdOrAlias`]: ['joins', 'joins_per_room'],
  [`POST ${V3}/knock/:roomIdOrAlias`]: ['joins'],
  [`POST ${IN_ROOM}/join`]: ['joins', 'joins_per_room'],
  [`POST ${IN_ROOM}/invite`]: ['invites', 'invites_per_room'],
  [`POST ${IN_ROOM}/leave`]: ['memberships'],
  [`POST ${IN_ROOM}/kick`]: ['memberships'],
  [`POST ${IN_ROOM}/ban`]: ['memberships'],
  [`POST ${IN_ROOM}/unban`]: ['memberships'],
  [`PUT ${IN_ROOM}/send/:eventType/:txnId`]: ['message'],
  [`PUT ${IN_ROOM}/redact/:eventId/:txnId`]: ['message'],
  [`PUT ${IN_ROOM}/state/:eventType`]: ['message'],
  [`PUT ${IN_ROOM}/state/:eventType/:stateKey`]: ['message'],
  [`GET ${IN_ROOM}/state`]: ['room_reads'],
  [`GET ${IN_ROOM}/state/:eventType`]: ['room_reads'],
  [`GET ${IN_ROOM}/state/:eventType/:stateKey`]: ['room_reads'],
  [`GET ${IN_ROOM}/joined_members`]: ['room_reads'],
  [`GET ${IN_ROOM}/aliases`]: ['room_reads'],
  ...Object.fromEntries(
    [...Object.keys(RELATION_EXAMPLES), ...Object.keys(ROOM_EXAMPLES)].map((route) => [route, ['room_reads']]),
  ),
  [`PUT ${DELAYED}/rooms/:roomId/delayed_event/:eventType/:txnId`]: ['message'],
  [`GET ${DELAYED}/delayed_events`]: ['room_reads'],
  [`GET ${DELAYED}/delayed_events/:delayId`]: ['room_reads'],
  ...Object.fromEntries(
    ['', '/cancel', '/restart', '/send'].map((action) => [
      `POST ${DELAYED}/delayed_events/:delayId${action}`,
      ['delayed_events'],
    ]),
  ),
  [`GET ${SUBSCRIPTION}`]: ['room_reads'],
  [`PUT ${SUBSCRIPTION}`]: ['receipts'],
  [`DELETE ${SUBSCRIPTION}`]: ['receipts'],
  'GET /_matrix/client/unstable/io.element.msc4308/thread_subscriptions': ['room_reads'],
  'POST /_matrix/key/v2/query': ['lookups'],
  'GET /_matrix/key/v2/query/:serverName': ['lookups'],
  [`GET ${IN_ROOM}/messages`]: ['room_reads'],
  [`GET ${IN_ROOM}/event/:eventId`]: ['room_reads'],
  [`GET ${IN_ROOM}/context/:eventId`]: ['room_reads'],
  [`GET ${IN_ROOM}/members`]: ['room_reads'],
  [`POST ${IN_ROOM}/forget`]: ['memberships'],
  [`POST ${IN_ROOM}/receipt/:receiptType/:eventId`]: ['receipts'],
  [`POST ${IN_ROOM}/read_markers`]: ['receipts'],
  [`PUT ${IN_ROOM}/typing/:userId`]: ['typing'],
  [`GET ${V3}/sync`]: ['initial_sync'],
  [`GET ${V3}/initialSync`]: ['old_initial_sync'],
  [`GET ${IN_ROOM}/initialSync`]: ['initial_sync'],
  [`GET ${V3}/events`]: ['room_reads'],
  [`GET ${V3}/events/:eventId`]: ['room_reads'],
  [`GET ${V3}/notifications`]: ['room_reads'],
  [`POST ${V3}/search`]: ['search'],
  [`POST ${IN_ROOM}/send/:eventType`]: ['message'],
  'GET /_matrix/client/v1/rooms/:roomId/timestamp_to_event': ['room_reads'],
  [`POST ${IN_ROOM}/report`]: ['reports'],
  [`POST ${IN_ROOM}/report/:eventId`]: ['reports'],
  [`POST ${V3}/users/:userId/report`]: ['reports'],
  [`PUT ${V3}/presence/:userId/status`]: ['presence'],
  [`GET ${V3}/presence/:userId/status`]: ['room_reads'],
  [`GET ${V3}/directory/room/:roomAlias`]: ['lookups'],
  [`PUT ${V3}/directory/room/:roomAlias`]: ['directory'],
  [`DELETE ${V3}/directory/room/:roomAlias`]: ['directory'],
  [`GET ${V3}/directory/list/room/:roomId`]: ['lookups'],
  [`PUT ${V3}/directory/list/room/:roomId`]: ['directory'],
  [`GET ${V3}/publicRooms`]: ['public_rooms'],
  [`POST ${V3}/publicRooms`]: ['public_rooms'],
  [`GET ${V3}/keys/changes`]: ['keys'],
  [`PUT ${V3}/sendToDevice/:eventType/:txnId`]: ['to_device'],
  ...Object.fromEntries(Object.keys(KEY_EXAMPLES).map((route) => [route, ['keys']])),
  ...Object.fromEntries(
    Object.keys(MEDIA_EXAMPLES)
      .filter((route) => !route.endsWith('/config'))
      .map((route) => [route, [mediaLimit(route)]]),
  ),
};

function mediaLimit(route: string): string {
  if (route.includes('preview_url')) return 'previews';
  return /download|thumbnail/.test(route) ? 'downloads' : 'uploads';
}

/** Cheaper than counting: answers from memory, and reads and changes of what a user has one of. */
const UNLIMITED = [
  ...Object.keys(THIRD_PARTY_EXAMPLES),
  // Their signature is looked at first; other servers have turns instead.
  ...Object.keys(FEDERATION_EXAMPLES),
  ...['GET /_matrix/client/v1/media/config', 'GET /_matrix/media/v3/config'],
  ...['GET /_matrix/client/versions', 'GET /.well-known/matrix/client', 'GET /.well-known/matrix/server'],
  'GET /.well-known/matrix/support',
  ...['GET /_matrix/key/v2/server', 'GET /_matrix/federation/v1/version', `GET ${V3}/login`],
  ...[`GET ${V3}/admin/whois/:userId`, 'GET /_matrix/client/v1/admin/lock/:userId'],
  'GET /_matrix/client/v1/admin/suspend/:userId',
  `GET ${V3}/user/:userId/rooms/:roomId/tags`,
  ...['GET ', 'GET /:token', 'POST /new', 'PUT /:token', 'DELETE /:token'].map((route) =>
    route.replace(' ', ' /_synapse/admin/v1/registration_tokens'),
  ),
  ...Object.keys(MODERATION_EXAMPLES),
  ...Object.keys(PURGE_EXAMPLES),
  'GET /_synapse/admin/v1/event_reports',
  'POST /_synapse/admin/v1/account_validity/validity',
  ...['POST /_synapse/admin/v1/send_server_notice', 'PUT /_synapse/admin/v1/send_server_notice/:txnId'],
  ...['GET /_synapse/admin/v1/register', 'POST /_synapse/admin/v1/register'],
  ...[`GET ${V3}/capabilities`, `GET ${V3}/voip/turnServer`, `GET ${V3}/account/whoami`, `GET ${V3}/account/3pid`],
  ...[`POST ${V3}/logout`, `POST ${V3}/logout/all`, `GET ${V3}/devices`, `GET ${V3}/devices/:deviceId`],
  ...[`GET ${V3}/user/:userId/account_data/:type`, `GET ${V3}/user/:userId/rooms/:roomId/account_data/:type`],
  ...[`GET ${V3}/user/:userId/filter/:filterId`, `GET ${V3}/pushers`, `GET ${V3}/pushrules`],
  ...['', '/:kind', '/:kind/:ruleId', '/:kind/:ruleId/:attribute'].map((path) => `GET ${RULES}${path}`),
];

describe.each(Object.entries(EXAMPLES))('%s', (route, makeExample) => {
  const limits = LIMITS[route] ?? [];
  const method = route.slice(0, route.indexOf(' '));

  async function send(full?: RateLimitName): Promise<Answer> {
    limiter.full = undefined;
    const scene = await setScene(replica.url);
    const example = await makeExample(scene);
    limiter.taken = [];
    limiter.full = full;
    const headers = { authorization: `Bearer ${scene.person.token}` };
    return exchange(replica.url, method, pathOf(route, example), { headers, body: example.body });
  }

  it(limits.length === 0 ? 'is cheaper than counting' : `counts as ${limits.join(', ')}`, async () => {
    await send();
    expect(limiter.taken.map((taken) => taken.split(' ')[0])).toEqual(limits);
    expect(UNLIMITED.includes(route)).toBe(limits.length === 0);
    for (const full of limits) {
      const { status, body } = await send(full);
      expect([full, status, body]).toEqual([full, 429, expect.objectContaining({ errcode: 'M_LIMIT_EXCEEDED' })]);
    }
  });
});

describe('a /sync', () => {
  it('counts when it begins anew or asks for all state, and not when it goes on', async () => {
    const alice = await Person.register(replica.url, 'alice');
    const { next_batch: since } = await alice.must('GET', '/_matrix/client/v3/sync');
    limiter.taken = [];
    limiter.full = 'initial_sync';
    await alice.must('GET', `/_matrix/client/v3/sync?since=${since}`);
    expect(limiter.taken).toEqual([]);
    const whole = `/_matrix/client/v3/sync?since=${since}&full_state=true`;
    const { status } = await exchange(replica.url, 'GET', whole, {
      headers: { authorization: `Bearer ${alice.token}` },
    });
    expect([status, limiter.taken]).toEqual([429, [`initial_sync ${alice.userId}`]]);
  });
});

describe('invites and joins', () => {
  const member = (roomId: string, userId: string) =>
    `${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`;
  let alice: Person;
  let bob: Person;
  let roomId: string;
  beforeEach(async () => {
    [alice, bob] = await Promise.all([Person.register(replica.url, 'alice'), Person.register(replica.url, 'bob')]);
    roomId = await alice.createRoom({ preset: 'public_chat' });
    limiter.taken = [];
  });

  it('count as such when they are sent as state', async () => {
    await alice.must('PUT', member(roomId, bob.userId), { membership: 'invite' });
    expect(limiter.taken).toEqual([
      ...[`message ${alice.userId}`, `invites ${alice.userId}`, `invites_per_room ${roomId}`],
    ]);
    limiter.taken = [];
    await bob.must('PUT', member(roomId, bob.userId), { membership: 'join' });
    expect(limiter.taken).toEqual([...[`message ${bob.userId}`, `joins ${bob.userId}`, `joins_per_room ${roomId}`]]);
    limiter.taken = [];
    await alice.must('PUT', member(roomId, bob.userId), { membership: 'ban' });
    expect(limiter.taken).toEqual([`message ${alice.userId}`, `memberships ${alice.userId}`]);
  });

  it('of a new room count each, whichever way it asks for them', async () => {
    const invite = ['@a:one.test', '@b:one.test', '@b:one.test', alice.userId];
    const event = (state_key: string, membership: string) => ({
      type: 'm.room.member',
      state_key,
      content: { membership },
    });
    const initial_state = [event('@b:one.test', 'invite'), event('@c:one.test', 'invite'), event('@d:one.test', 'ban')];
    await alice.post('createRoom', { invite, initial_state });
    expect(limiter.taken).toEqual([`room_creation ${alice.userId}`, `invites ${alice.userId} 3`]);
    limiter.full = 'invites';
    const refused = await alice.post('createRoom', { initial_state });
    expect([refused.status, refused.body.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED']);
    limiter.taken = [];
    await alice.createRoom();
    expect(limiter.taken).toEqual([`room_creation ${alice.userId}`]);
  });

  it('by the alias of a room count towards the room', async () => {
    const alias = `#${alice.userId.slice(1, -9)}:one.test`;
    await alice.must('PUT', `directory/room/${encodeURIComponent(alias)}`, { room_id: roomId });
    limiter.taken = [];
    await bob.must('POST', `join/${encodeURIComponent(alias)}`);
    expect(limiter.taken).toEqual([`joins ${bob.userId}`, `joins_per_room ${roomId}`]);
  });

  it('of who is refused for themselves do not count towards the room', async () => {
    limiter.full = 'joins';
    expect((await bob.post(`${inRoom(roomId)}/join`)).status).toBe(429);
    expect((await bob.put(member(roomId, bob.userId), { membership: 'join' })).status).toBe(429);
    expect(limiter.taken.filter((taken) => taken.startsWith('joins_per_room'))).toEqual([]);
  });
});

describe('what was accepted', () => {
  it('is answered with its event id when it is asked for again, also by who may send nothing now, at any replica', async () => {
    const other = await homeserver.start(WITH_EMAIL, limiter);
    const [alice, bob] = await Promise.all([
      Person.register(replica.url, 'alice'),
      Person.register(replica.url, 'bob'),
    ]);
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.post(`${inRoom(roomId)}/join`);
    const sent = await alice.put(`${inRoom(roomId)}/send/m.room.message/once`, { body: 'Once' });
    const redact = `${inRoom(roomId)}/redact/${encodeURIComponent(sent.body.event_id)}/twice`;
    const redacted = await alice.put(redact, {});
    expect([sent.status, redacted.status]).toEqual([200, 200]);
    limiter.full = 'message';
    for (const { url } of [replica, other]) {
      const again = await alice.at(url).put(`${inRoom(roomId)}/send/m.room.message/once`, { body: 'Once' });
      expect([again.status, again.body]).toEqual([200, sent.body]);
      expect((await alice.at(url).put(redact, {})).body).toEqual(redacted.body);
      for (const [person, path] of [
        [alice, 'send/m.room.message/new'],
        [alice, 'send/m.sticker/once'],
        [bob, 'send/m.room.message/once'],
      ] as const) {
        const { status, body } = await person.at(url).put(`${inRoom(roomId)}/${path}`, { body: 'Another' });
        expect([path, status, body.errcode, body.retry_after_ms]).toEqual([path, 429, 'M_LIMIT_EXCEEDED', 1]);
      }
    }
    limiter.full = undefined;
    const { chunk } = await alice.must('GET', `/_matrix/client/v3/${inRoom(roomId)}/messages?dir=b`);
    expect(chunk.filter(({ content }: { content: object }) => 'body' in content)).toEqual([]);
  });
});

it('the limits of the configuration hold over replicas', async () => {
  const limits = {
    enabled: true,
    room_creation: { per_second: 0.001, burst: 2 },
    invites: { per_second: 0.001, burst: 3 },
  };
  const settings = { rate_limits: { ...limits, registration: { per_second: 100, burst: 100 } } };
  const [one, two] = [await homeserver.start(settings), await homeserver.start(settings)];
  const alice = await Person.register(one.url, 'limited');
  const invite = ['@a:one.test', '@b:one.test', '@c:one.test', '@d:one.test'];
  const greedy = await alice.post('createRoom', { invite });
  expect([greedy.status, greedy.body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  await alice.createRoom({ invite: invite.slice(2) });
  const third = await alice.at(two.url).post('createRoom', {});
  expect([third.status, third.body.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED']);
  expect(third.body.retry_after_ms).toBeGreaterThan(0);
});
