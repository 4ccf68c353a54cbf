import { CONTACT_EXAMPLES } from './contact-examples.js';
import { DELAYED_EXAMPLES } from './delayed-examples.js';
import { UNSIGNED_EXAMPLES } from './federation-examples.js';
import { KEY_EXAMPLES } from './key-examples.js';
import { MEDIA_EXAMPLES, MODERATION_EXAMPLES } from './media-examples.js';
import { inRoom, Person } from './person.js';
import { PUSH_EXAMPLES } from './push-examples.js';
import { RELATION_EXAMPLES } from './relation-examples.js';
import { PURGE_EXAMPLES, ROOM_EXAMPLES, THIRD_PARTY_EXAMPLES } from './room-examples.js';
import type { Example, MakeExample, Scene } from './scene.js';
import { THREAD_EXAMPLES } from './thread-examples.js';

export type { Example } from './scene.js';

/** A room with its owner and somebody else in it, and a message. */
export async function setScene(url: string): Promise<Scene> {
  const [person, other] = await Promise.all([Person.register(url), Person.register(url)]);
  const roomId = await person.createRoom({ preset: 'public_chat' });
  await other.must('POST', `${inRoom(roomId)}/join`);
  const eventId = await person.say(roomId, 'hello');
  return { person, other, roomId, eventId };
}

let aliases = 0;

/** An alias that no other example has. */
const freshAlias = () => `#example-${++aliases}:one.test`;

async function withAlias({ person, roomId }: Scene): Promise<Example> {
  const roomAlias = freshAlias();
  await person.must('PUT', `directory/room/${encodeURIComponent(roomAlias)}`, { room_id: roomId });
  return { params: { roomAlias } };
}

const authOf = ({ userId: user, password }: Person) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password,
});

const ofPerson = ({ person }: Scene): Example => ({ params: { userId: person.userId } });
const ofTag = ({ person, roomId }: Scene): Example => ({ params: { userId: person.userId, roomId, tag: 'u.own' } });
/** What only administrators may do to others. */
const ofOther = ({ other }: Scene): Example => ({ params: { userId: other.userId }, status: 403 });
const ofName = ({ person }: Scene): Example => ({ params: { userId: person.userId, keyName: 'displayname' } });
const setName = (scene: Scene): Example => ({ ...ofName(scene), body: { displayname: 'Somebody' } });

/** What somebody who is not in the room enters it by. */
async function publicRoom({ other }: Scene): Promise<string> {
  return other.createRoom({ preset: 'public_chat' });
}

const V3 = '/_matrix/client/v3';
const IN_ROOM = `${V3}/rooms/:roomId`;
const TOKENS = '/_synapse/admin/v1/registration_tokens';
const MODERATION = '/_matrix/client/v1/admin';
const PROFILE = `${V3}/profile/:userId`;
const PROFILE_MSC = '/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId';

const nothing = (): Example => ({});
/** Of who is no administrator. */
const notice = ({ other }: Scene): Example => ({
  body: { user_id: other.userId, content: { msgtype: 'm.text', body: 'Hello' } },
  status: 403,
});
const ofRoom = ({ roomId }: Scene): Example => ({ params: { roomId } });
const ofEvent = ({ roomId, eventId }: Scene): Example => ({ params: { roomId, eventId } });
const onOther = ({ roomId, other }: Scene): Example => ({
  params: { roomId },
  body: { user_id: other.userId, reason: 'because' },
});

const fallbackPage: MakeExample = () => ({
  params: { authType: 'm.login.dummy' },
  query: { session: 'none' },
  status: 404,
});

/** An example of each endpoint, by method and route. */
export const EXAMPLES: Readonly<Record<string, MakeExample>> = {
  'GET /_matrix/client/versions': nothing,
  'GET /.well-known/matrix/client': nothing,
  'GET /.well-known/matrix/support': nothing,
  'GET /.well-known/matrix/server': () => ({ status: 404 }),
  'GET /_matrix/key/v2/server': nothing,
  'POST /_matrix/key/v2/query': () => ({ body: { server_keys: { 'one.test': {} } } }),
  'GET /_matrix/key/v2/query/:serverName': () => ({ params: { serverName: 'one.test' } }),
  'GET /_matrix/federation/v1/version': nothing,
  ...UNSIGNED_EXAMPLES,
  [`GET ${V3}/capabilities`]: nothing,
  [`GET ${V3}/voip/turnServer`]: nothing,
  [`GET ${V3}/login`]: nothing,
  [`POST ${V3}/login`]: ({ person }) => ({ body: { ...authOf(person), device_id: 'TV', refresh_token: true } }),
  [`POST ${V3}/refresh`]: async ({ person }) => {
    const { refresh_token } = await person.must('POST', 'login', { ...authOf(person), refresh_token: true });
    return { body: { refresh_token } };
  },
  'GET /_matrix/static/client/login': nothing,
  [`GET ${V3}/auth/:authType/fallback/web`]: fallbackPage,
  [`POST ${V3}/auth/:authType/fallback/web`]: fallbackPage,
  [`POST ${V3}/logout`]: nothing,
  [`POST ${V3}/logout/all`]: nothing,
  [`GET ${V3}/account/whoami`]: nothing,
  ...CONTACT_EXAMPLES,
  [`POST ${V3}/account/password`]: ({ person }) => ({
    body: { auth: authOf(person), new_password: 'another good one', logout_devices: false },
  }),
  [`POST ${V3}/account/deactivate`]: ({ person }) => ({ body: { auth: authOf(person), erase: false } }),
  [`POST ${V3}/register`]: ({ person }) => ({
    query: { kind: 'user' },
    body: {
      username: `${person.userId.slice(1, person.userId.indexOf(':'))}-2`,
      password: 'a good one',
      auth: { type: 'm.login.dummy' },
    },
  }),
  [`GET ${V3}/register/available`]: () => ({ query: { username: 'nobody.has.this' } }),
  'GET /_synapse/admin/v1/register': nothing,
  'POST /_synapse/admin/v1/register': () => ({
    body: { nonce: 'none', username: 'admin', password: 'a good one', mac: '00', admin: true },
    status: 400,
  }),
  'POST /_synapse/admin/v1/send_server_notice': notice,
  'PUT /_synapse/admin/v1/send_server_notice/:txnId': (scene) => ({ ...notice(scene), params: { txnId: 'n1' } }),
  [`GET ${V3}/devices`]: nothing,
  [`GET ${V3}/devices/:deviceId`]: ({ person }) => ({ params: { deviceId: person.deviceId } }),
  [`PUT ${V3}/devices/:deviceId`]: ({ person }) => ({
    params: { deviceId: person.deviceId },
    body: { display_name: 'Telephone' },
  }),
  [`DELETE ${V3}/devices/:deviceId`]: ({ person }) => ({
    params: { deviceId: person.deviceId },
    body: { auth: authOf(person) },
  }),
  [`POST ${V3}/delete_devices`]: ({ person }) => ({ body: { auth: authOf(person), devices: [person.deviceId] } }),
  [`GET ${V3}/admin/whois/:userId`]: ofPerson,
  [`GET ${MODERATION}/lock/:userId`]: ofOther,
  [`PUT ${MODERATION}/lock/:userId`]: (scene) => ({ ...ofOther(scene), body: { locked: true } }),
  [`GET ${MODERATION}/suspend/:userId`]: ofOther,
  [`PUT ${MODERATION}/suspend/:userId`]: (scene) => ({ ...ofOther(scene), body: { suspended: true } }),
  [`GET ${PROFILE}`]: ofPerson,
  [`GET ${PROFILE}/:keyName`]: ofName,
  [`PUT ${PROFILE}/:keyName`]: setName,
  [`DELETE ${PROFILE}/:keyName`]: ofName,
  [`GET ${PROFILE_MSC}`]: ofPerson,
  [`GET ${PROFILE_MSC}/:keyName`]: ofName,
  [`PUT ${PROFILE_MSC}/:keyName`]: setName,
  [`DELETE ${PROFILE_MSC}/:keyName`]: ofName,
  [`GET ${V3}/user/:userId/account_data/:type`]: async ({ person }) => {
    await person.must('PUT', `user/${person.userId}/account_data/org.example.own`, { is: 1 });
    return { params: { userId: person.userId, type: 'org.example.own' } };
  },
  [`PUT ${V3}/user/:userId/account_data/:type`]: ({ person }) => ({
    params: { userId: person.userId, type: 'org.example.own' },
    body: { is: 2 },
    freeForm: true,
  }),
  [`GET ${V3}/user/:userId/rooms/:roomId/account_data/:type`]: async ({ person, roomId }) => {
    await person.must('PUT', `user/${person.userId}/${inRoom(roomId)}/account_data/org.example.own`, { is: 1 });
    return { params: { userId: person.userId, roomId, type: 'org.example.own' } };
  },
  [`PUT ${V3}/user/:userId/rooms/:roomId/account_data/:type`]: ({ person, roomId }) => ({
    params: { userId: person.userId, roomId, type: 'org.example.own' },
    body: { is: 2 },
    freeForm: true,
  }),
  ...Object.fromEntries(
    ['account_data/:type', 'rooms/:roomId/account_data/:type'].map((path) => [
      `DELETE /_matrix/client/unstable/org.matrix.msc3391/user/:userId/${path}`,
      ({ person, roomId }: Scene) => ({ params: { userId: person.userId, roomId, type: 'org.example.own' } }),
    ]),
  ),
  [`GET ${V3}/user/:userId/rooms/:roomId/tags`]: ofTag,
  [`PUT ${V3}/user/:userId/rooms/:roomId/tags/:tag`]: (scene) => ({
    ...ofTag(scene),
    body: { order: 0.5 },
    freeForm: true,
  }),
  [`DELETE ${V3}/user/:userId/rooms/:roomId/tags/:tag`]: ofTag,
  [`POST ${V3}/user/:userId/openid/request_token`]: ofPerson,
  'GET /_matrix/federation/v1/openid/userinfo': async ({ person }) => {
    const { access_token } = await person.must('POST', `user/${person.userId}/openid/request_token`);
    return { query: { access_token } };
  },
  'PUT /_matrix/federation/v1/3pid/onbind': ({ person: { userId: mxid } }) => ({
    body: { medium: 'email', address: 'somebody@example.org', mxid, invites: [] },
  }),
  'POST /_matrix/client/v1/login/get_token': ({ person }) => ({ body: { auth: authOf(person) } }),
  'GET /_matrix/client/v1/register/m.login.registration_token/validity': () => ({ query: { token: 'x' } }),
  [`GET ${TOKENS}`]: () => ({ status: 403 }),
  [`POST ${TOKENS}/new`]: () => ({ body: { token: 'x', uses_allowed: 1, expiry_time: 1 }, status: 403 }),
  [`GET ${TOKENS}/:token`]: () => ({ params: { token: 'x' }, status: 403 }),
  [`PUT ${TOKENS}/:token`]: () => ({ params: { token: 'x' }, body: { uses_allowed: 1 }, status: 403 }),
  [`DELETE ${TOKENS}/:token`]: () => ({ params: { token: 'x' }, status: 403 }),
  [`POST ${V3}/user/:userId/filter`]: ({ person }) => ({
    params: { userId: person.userId },
    body: { event_fields: ['content'], event_format: 'client', room: { timeline: { limit: 5 } } },
  }),
  [`GET ${V3}/user/:userId/filter/:filterId`]: async ({ person }) => {
    const { filter_id } = await person.must('POST', `user/${person.userId}/filter`);
    return { params: { userId: person.userId, filterId: filter_id } };
  },
  ...PUSH_EXAMPLES,
  ...KEY_EXAMPLES,
  ...MEDIA_EXAMPLES,
  ...MODERATION_EXAMPLES,
  ...RELATION_EXAMPLES,
  ...DELAYED_EXAMPLES,
  ...THREAD_EXAMPLES,
  ...ROOM_EXAMPLES,
  ...PURGE_EXAMPLES,
  ...THIRD_PARTY_EXAMPLES,
  [`POST ${V3}/user_directory/search`]: () => ({ body: { search_term: 'person', limit: 5 } }),
  [`POST ${IN_ROOM}/upgrade`]: (scene) => ({
    ...ofRoom(scene),
    body: { new_version: '11', additional_creators: [scene.other.userId] },
  }),
  [`POST ${V3}/createRoom`]: ({ person, other }) => ({
    body: {
      ...{ visibility: 'public', preset: 'public_chat', room_alias_name: `${person.userId.slice(1, -9)}-room` },
      ...{ name: 'Cake', topic: 'Cakes', room_version: '11', is_direct: false, invite: [other.userId] },
      ...{ creation_content: {}, power_level_content_override: { invite: 50 } },
      initial_state: [{ type: 'org.example.state', state_key: '', content: {} }],
    },
  }),
  [`GET ${V3}/joined_rooms`]: nothing,
  [`POST ${V3}/join/:roomIdOrAlias`]: async (scene) => ({
    params: { roomIdOrAlias: await publicRoom(scene) },
    body: { reason: 'because' },
  }),
  [`POST ${V3}/knock/:roomIdOrAlias`]: async ({ other }) => {
    const rule = { type: 'm.room.join_rules', content: { join_rule: 'knock' } };
    return {
      params: { roomIdOrAlias: await other.createRoom({ initial_state: [rule] }) },
      body: { reason: 'because' },
    };
  },
  [`POST ${IN_ROOM}/join`]: async (scene) => ({
    params: { roomId: await publicRoom(scene) },
    body: { reason: 'because' },
  }),
  [`POST ${IN_ROOM}/leave`]: (scene) => ({ ...ofRoom(scene), body: { reason: 'because' } }),
  [`POST ${IN_ROOM}/forget`]: async ({ person, other }) => {
    const roomId = await other.createRoom({ preset: 'public_chat' });
    await person.must('POST', `${inRoom(roomId)}/join`);
    await person.must('POST', `${inRoom(roomId)}/leave`);
    return { params: { roomId } };
  },
  [`POST ${IN_ROOM}/invite`]: async ({ person, other }) => ({
    params: { roomId: await person.createRoom() },
    body: { user_id: other.userId, reason: 'because' },
  }),
  [`POST ${IN_ROOM}/kick`]: onOther,
  [`POST ${IN_ROOM}/ban`]: onOther,
  [`POST ${IN_ROOM}/unban`]: async (scene) => {
    await scene.person.must('POST', `${inRoom(scene.roomId)}/ban`, { user_id: scene.other.userId });
    return onOther(scene);
  },
  [`PUT ${IN_ROOM}/send/:eventType/:txnId`]: (scene) => ({
    params: { roomId: scene.roomId, eventType: 'org.example.message', txnId: 'own' },
    body: { is: 1 },
    freeForm: true,
  }),
  [`PUT ${IN_ROOM}/redact/:eventId/:txnId`]: ({ roomId, eventId }) => ({
    params: { roomId, eventId, txnId: 'own' },
    body: { reason: 'because' },
  }),
  [`PUT ${IN_ROOM}/state/:eventType`]: ({ roomId }) => ({
    params: { roomId, eventType: 'org.example.state' },
    body: { is: 1 },
    freeForm: true,
  }),
  [`PUT ${IN_ROOM}/state/:eventType/:stateKey`]: ({ roomId }) => ({
    params: { roomId, eventType: 'org.example.state', stateKey: 'own' },
    body: { is: 1 },
    freeForm: true,
  }),
  [`GET ${IN_ROOM}/state/:eventType`]: ({ roomId }) => ({
    params: { roomId, eventType: 'm.room.create' },
    query: { format: 'event' },
  }),
  [`GET ${IN_ROOM}/state/:eventType/:stateKey`]: ({ roomId, person }) => ({
    params: { roomId, eventType: 'm.room.member', stateKey: person.userId },
    query: { format: 'content' },
  }),
  [`GET ${IN_ROOM}/state`]: ofRoom,
  [`GET ${IN_ROOM}/joined_members`]: ofRoom,
  [`GET ${IN_ROOM}/members`]: (scene) => ({ ...ofRoom(scene), query: { membership: 'join', not_membership: 'ban' } }),
  [`GET ${IN_ROOM}/messages`]: (scene) => ({
    ...ofRoom(scene),
    query: { dir: 'b', limit: '5', filter: '{"types":["a"]}' },
  }),
  [`GET ${IN_ROOM}/event/:eventId`]: ofEvent,
  [`GET ${IN_ROOM}/context/:eventId`]: (scene) => ({ ...ofEvent(scene), query: { limit: '5', filter: '{}' } }),
  [`GET ${IN_ROOM}/aliases`]: ofRoom,
  [`POST ${IN_ROOM}/receipt/:receiptType/:eventId`]: ({ roomId, eventId }) => ({
    params: { roomId, receiptType: 'm.read', eventId },
    body: { thread_id: 'main' },
  }),
  [`POST ${IN_ROOM}/read_markers`]: ({ roomId, eventId }) => ({
    params: { roomId },
    body: { 'm.fully_read': eventId, 'm.read': eventId },
  }),
  [`PUT ${IN_ROOM}/typing/:userId`]: ({ roomId, person }) => ({
    params: { roomId, userId: person.userId },
    body: { typing: true, timeout: 5_000 },
  }),
  [`POST ${IN_ROOM}/send/:eventType`]: (scene) => ({
    params: { roomId: scene.roomId, eventType: 'org.example.message' },
    body: { is: 1 },
    freeForm: true,
  }),
  'GET /_matrix/client/v1/rooms/:roomId/timestamp_to_event': (scene) => ({
    ...ofRoom(scene),
    query: { ts: '0', dir: 'f' },
  }),
  [`POST ${IN_ROOM}/report`]: (scene) => ({ ...ofRoom(scene), body: { reason: 'because' } }),
  [`POST ${IN_ROOM}/report/:eventId`]: (scene) => ({ ...ofEvent(scene), body: { reason: 'because', score: -50 } }),
  [`POST ${V3}/users/:userId/report`]: ({ other }) => ({
    params: { userId: other.userId },
    body: { reason: 'because' },
  }),
  'GET /_synapse/admin/v1/event_reports': () => ({ query: { from: '0', limit: '5', dir: 'b' }, status: 403 }),
  [`GET ${V3}/initialSync`]: () => ({ query: { limit: '5', archived: 'true' } }),
  [`GET ${V3}/notifications`]: () => ({ query: { from: 'n1000', limit: '5', only: 'highlight' } }),
  [`GET ${V3}/events/:eventId`]: ({ eventId }) => ({ params: { eventId } }),
  [`GET ${V3}/events`]: ({ roomId }) => ({ query: { room_id: roomId, from: 's0', timeout: '0' } }),
  [`GET ${IN_ROOM}/initialSync`]: (scene) => ({ ...ofRoom(scene), query: { limit: '5' } }),
  [`POST ${V3}/search`]: () => ({
    query: { next_batch: 'f0_0_0_0_0_0_0' },
    body: {
      search_categories: {
        room_events: {
          ...{ search_term: 'cake', keys: ['content.body'], order_by: 'recent', include_state: true },
          filter: { limit: 5 },
          event_context: { before_limit: 1, after_limit: 1, include_profile: true },
          groupings: { group_by: [{ key: 'room_id' }] },
        },
      },
    },
  }),
  [`PUT ${V3}/presence/:userId/status`]: (scene) => ({
    ...ofPerson(scene),
    body: { presence: 'online', status_msg: 'here' },
  }),
  [`GET ${V3}/presence/:userId/status`]: ofPerson,
  [`GET ${V3}/keys/changes`]: async ({ person }) => {
    const { next_batch } = await person.must('GET', 'sync');
    return { query: { from: next_batch, to: next_batch } };
  },
  [`PUT ${V3}/sendToDevice/:eventType/:txnId`]: ({ person, other }) => ({
    params: { eventType: 'm.room_key', txnId: 'example' },
    body: { messages: { [other.userId]: { '*': {} }, [person.userId]: { [person.deviceId]: {} } } },
  }),
  [`GET ${V3}/directory/room/:roomAlias`]: withAlias,
  [`PUT ${V3}/directory/room/:roomAlias`]: ({ roomId }) => ({
    params: { roomAlias: freshAlias() },
    body: { room_id: roomId },
  }),
  [`DELETE ${V3}/directory/room/:roomAlias`]: withAlias,
  [`GET ${V3}/directory/list/room/:roomId`]: ofRoom,
  [`PUT ${V3}/directory/list/room/:roomId`]: (scene) => ({ ...ofRoom(scene), body: { visibility: 'public' } }),
  [`GET ${V3}/publicRooms`]: () => ({ query: { limit: '5', since: 'o0', server: 'one.test' } }),
  [`POST ${V3}/publicRooms`]: () => ({
    body: { limit: 5, since: 'o0', filter: { generic_search_term: 'cake', room_types: [null, 'm.space'] } },
  }),
  [`GET ${V3}/sync`]: () => ({
    query: { timeout: '0', filter: '{"room":{}}', full_state: 'true', set_presence: 'offline' },
  }),
};
