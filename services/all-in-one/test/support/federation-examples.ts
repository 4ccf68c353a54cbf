import type { Example, MakeExample } from './scene.js';

/** What requests of another server are about. */
export interface FederationScene {
  readonly roomId: string;
  readonly eventId: string;
  /** One of ours. */
  readonly userId: string;
  /** One of the other server's. */
  readonly remoteUserId: string;
  readonly roomAlias: string;
}

type MakeFederationExample = (scene: FederationScene) => Example;

const V1 = '/_matrix/federation/v1';
const V2 = '/_matrix/federation/v2';

const inRoom = ({ roomId }: FederationScene) => ({ roomId });
const stateAt: MakeFederationExample = (scene) => ({ params: inRoom(scene), query: { event_id: scene.eventId } });
const atEvent: MakeFederationExample = ({ roomId, eventId }) => ({ params: { roomId, eventId } });
const made: MakeFederationExample = ({ roomId, remoteUserId }) => ({ params: { roomId, userId: remoteUserId } });
/** Nothing that anybody was offered. */
const given: MakeFederationExample = (scene) => ({
  ...atEvent(scene),
  body: { type: 'm.room.member', content: { membership: 'join' } },
  freeForm: true,
  status: 400,
});

/** An example of each endpoint that other servers have to sign their requests to. */
export const FEDERATION_EXAMPLES: Readonly<Record<string, MakeFederationExample>> = {
  [`PUT ${V1}/send/:txnId`]: () => ({
    params: { txnId: '1' },
    body: { origin_server_ts: 1, pdus: [], edus: [{ edu_type: 'org.example', content: {} }] },
  }),
  [`GET ${V1}/media/download/:mediaId`]: () => ({
    params: { mediaId: 'none' },
    query: { timeout_ms: '0' },
    status: 404,
  }),
  [`GET ${V1}/media/thumbnail/:mediaId`]: () => ({
    params: { mediaId: 'none' },
    query: { timeout_ms: '0', width: '32', height: '32' },
    status: 404,
  }),
  [`GET ${V1}/event/:eventId`]: ({ eventId }) => ({ params: { eventId } }),
  [`GET ${V1}/state/:roomId`]: stateAt,
  [`GET ${V1}/state_ids/:roomId`]: stateAt,
  [`GET ${V1}/event_auth/:roomId/:eventId`]: atEvent,
  [`GET ${V1}/backfill/:roomId`]: (scene) => ({ params: inRoom(scene), query: { v: scene.eventId, limit: '5' } }),
  [`POST ${V1}/get_missing_events/:roomId`]: (scene) => ({
    params: inRoom(scene),
    body: { earliest_events: [], latest_events: [scene.eventId], limit: 5, min_depth: 1 },
  }),
  [`GET ${V1}/timestamp_to_event/:roomId`]: (scene) => ({ params: inRoom(scene), query: { ts: '5', dir: 'f' } }),
  [`GET ${V1}/make_join/:roomId/:userId`]: (scene) => ({ ...made(scene), query: { ver: '11' } }),
  [`GET ${V1}/make_leave/:roomId/:userId`]: made,
  [`GET ${V1}/make_knock/:roomId/:userId`]: (scene) => ({ ...made(scene), query: { ver: '11' }, status: 403 }),
  [`PUT ${V1}/send_join/:roomId/:eventId`]: given,
  [`PUT ${V2}/send_join/:roomId/:eventId`]: (scene) => ({ ...given(scene), query: { omit_members: 'true' } }),
  [`PUT ${V1}/send_leave/:roomId/:eventId`]: given,
  [`PUT ${V2}/send_leave/:roomId/:eventId`]: given,
  [`PUT ${V1}/send_knock/:roomId/:eventId`]: given,
  [`PUT ${V1}/invite/:roomId/:eventId`]: given,
  [`PUT ${V2}/invite/:roomId/:eventId`]: (scene) => ({
    ...atEvent(scene),
    body: { room_version: '11', event: { type: 'm.room.member' }, invite_room_state: [{ type: 'm.room.create' }] },
    status: 400,
  }),
  [`PUT ${V1}/exchange_third_party_invite/:roomId`]: (scene) => ({
    params: inRoom(scene),
    body: {
      ...{ type: 'm.room.member', room_id: scene.roomId, sender: scene.userId, state_key: scene.remoteUserId },
      content: {
        membership: 'invite',
        third_party_invite: {
          display_name: 'a...@b...',
          signed: { mxid: scene.remoteUserId, token: 'abc', signatures: { 'id.test': { 'ed25519:0': 'x' } } },
        },
      },
    },
    status: 403,
  }),
  [`GET ${V1}/query/directory`]: ({ roomAlias }) => ({ query: { room_alias: roomAlias } }),
  [`GET ${V1}/query/profile`]: ({ userId }) => ({ query: { user_id: userId, field: 'displayname' } }),
  [`GET ${V1}/query/:queryType`]: () => ({ params: { queryType: 'weather' }, status: 404 }),
  [`GET ${V1}/user/devices/:userId`]: ({ userId }) => ({ params: { userId } }),
  [`POST ${V1}/user/keys/query`]: ({ userId }) => ({ body: { device_keys: { [userId]: ['PHONE'] } } }),
  [`POST ${V1}/user/keys/claim`]: ({ userId }) => ({
    body: { one_time_keys: { [userId]: { PHONE: 'signed_curve25519' } } },
  }),
  [`GET ${V1}/hierarchy/:roomId`]: (scene) => ({ params: inRoom(scene), query: { suggested_only: 'true' } }),
  [`GET ${V1}/publicRooms`]: () => ({ query: { limit: '5', since: 'o0' } }),
  [`POST ${V1}/publicRooms`]: () => ({
    body: { limit: 5, since: 'o0', filter: { generic_search_term: 'cake', room_types: [null, 'm.space'] } },
  }),
};

/** The same, of whoever does not sign them: nothing of it is looked at. */
export const UNSIGNED_EXAMPLES: Readonly<Record<string, MakeExample>> = Object.fromEntries(
  Object.entries(FEDERATION_EXAMPLES).map(([route, make]) => [
    route,
    ({ roomId, eventId, person }) => {
      const roomAlias = '#nothing:one.test';
      return {
        ...make({ roomId, eventId, userId: person.userId, remoteUserId: '@a:far.test', roomAlias }),
        status: 401,
      };
    },
  ]),
);
