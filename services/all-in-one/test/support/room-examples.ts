import type { Example, MakeExample, Scene } from './scene.js';

const V3 = '/_matrix/client/v3';
const summary = ({ roomId }: Scene): Example => ({ params: { roomIdOrAlias: roomId } });
const mutual = ({ other }: Scene): Example => ({ query: { user_id: other.userId } });
const protocol: Example = { params: { protocol: 'irc' }, status: 404 };

/** An example of each endpoint that shows rooms from outside or replaces them, by method and route. */
export const ROOM_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  'GET /_matrix/client/v1/rooms/:roomId/hierarchy': ({ roomId }) => ({
    params: { roomId },
    query: { suggested_only: 'false', limit: '5', max_depth: '2' },
  }),
  'GET /_matrix/client/v1/room_summary/:roomIdOrAlias': summary,
  'GET /_matrix/client/unstable/im.nheko.summary/summary/:roomIdOrAlias': summary,
  'GET /_matrix/client/unstable/im.nheko.summary/rooms/:roomIdOrAlias/summary': summary,
  'GET /_matrix/client/v1/mutual_rooms': mutual,
  'GET /_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms': mutual,
};

const ADMIN = '/_synapse/admin/v1';

/** What only administrators may let go, or have nothing to do with. */
export const PURGE_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`POST ${ADMIN}/purge_history/:roomId`]: ({ roomId }) => ({
    params: { roomId },
    body: { purge_up_to_ts: 1, delete_local_events: true },
    status: 403,
  }),
  [`POST ${ADMIN}/purge_history/:roomId/:eventId`]: ({ roomId, eventId }) => ({
    params: { roomId, eventId },
    body: { delete_local_events: true },
    status: 403,
  }),
  [`PUT ${ADMIN}/rooms/:roomId/block`]: ({ roomId }) => ({ params: { roomId }, body: { block: true }, status: 403 }),
  [`GET ${ADMIN}/rooms/:roomId/block`]: ({ roomId }) => ({ params: { roomId }, status: 403 }),
  [`GET ${ADMIN}/purge_history_status/:purgeId`]: () => ({ params: { purgeId: 'none' }, status: 403 }),
};

/** What tells of networks that this server is not connected to. */
export const THIRD_PARTY_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`GET ${V3}/thirdparty/protocols`]: () => ({}),
  [`GET ${V3}/thirdparty/protocol/:protocol`]: () => protocol,
  [`GET ${V3}/thirdparty/location/:protocol`]: () => protocol,
  [`GET ${V3}/thirdparty/user/:protocol`]: () => protocol,
  [`GET ${V3}/thirdparty/location`]: () => ({}),
  [`GET ${V3}/thirdparty/user`]: () => ({}),
};
