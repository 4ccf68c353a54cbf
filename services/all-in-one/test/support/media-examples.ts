import type { Example, MakeExample, Scene } from './scene.js';

const CLIENT_MEDIA = '/_matrix/client/v1/media';
const MEDIA = '/_matrix/media';
/** A GIF of one pixel. */
const PIXEL = 'R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=';

async function withFile({ person }: Scene): Promise<Example> {
  const { body } = await person.call('POST', `${MEDIA}/v3/upload`, Buffer.from('a file'));
  return { ...ofUri(body.content_uri), query: { timeout_ms: '0' } };
}

async function withNamedFile(scene: Scene): Promise<Example> {
  const { params, query } = await withFile(scene);
  return { params: { ...params, fileName: 'file.txt' }, query: { ...query } };
}

async function withImage({ person }: Scene): Promise<Example> {
  const { body } = await person.call('POST', `${MEDIA}/v3/upload`, Buffer.from(PIXEL, 'base64'));
  return { ...ofUri(body.content_uri), query: { timeout_ms: '0', width: '32', height: '32', method: 'crop' } };
}

async function withPlace({ person }: Scene): Promise<Example> {
  const { body } = await person.call('POST', `${MEDIA}/v1/create`, {});
  return { ...ofUri(body.content_uri), query: { filename: 'file.txt' } };
}

function ofUri(uri: string): Example {
  const [serverName = '', mediaId = ''] = uri.replace('mxc://', '').split('/');
  return { params: { serverName, mediaId } };
}

const ofUrl: MakeExample = () => ({ query: { url: 'https://example.org/' }, status: 404 });
const nothing: MakeExample = () => ({});

const ADMIN = '/_synapse/admin/v1';
const FILE = { serverName: 'one.test', mediaId: 'none' };
/** Nobody of the scene is an administrator. */
const refused = (example: Example) => () => ({ ...example, status: 403 });
const ofUser: MakeExample = ({ person }) => ({ params: { userId: person.userId }, status: 403 });
const ofRoom: MakeExample = ({ roomId }) => ({ params: { roomId }, status: 403 });

/** What administrators do with files. */
export const MODERATION_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`POST ${ADMIN}/media/quarantine/:serverName/:mediaId`]: refused({ params: FILE }),
  [`POST ${ADMIN}/media/unquarantine/:serverName/:mediaId`]: refused({ params: FILE }),
  [`POST ${ADMIN}/media/protect/:mediaId`]: refused({ params: { mediaId: 'none' } }),
  [`POST ${ADMIN}/media/unprotect/:mediaId`]: refused({ params: { mediaId: 'none' } }),
  [`DELETE ${ADMIN}/media/:serverName/:mediaId`]: refused({ params: FILE }),
  [`POST ${ADMIN}/media/delete`]: refused({ query: { before_ts: '1' } }),
  [`POST ${ADMIN}/purge_media_cache`]: refused({ query: { before_ts: '1' } }),
  [`GET ${ADMIN}/users/:userId/media`]: ofUser,
  [`DELETE ${ADMIN}/users/:userId/media`]: ofUser,
  [`POST ${ADMIN}/user/:userId/media/quarantine`]: ofUser,
  [`GET ${ADMIN}/room/:roomId/media`]: ofRoom,
  [`POST ${ADMIN}/room/:roomId/media/quarantine`]: ofRoom,
  [`DELETE ${ADMIN}/room/:roomId/media`]: ofRoom,
};

export const MEDIA_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`GET ${CLIENT_MEDIA}/config`]: nothing,
  [`GET ${MEDIA}/v3/config`]: nothing,
  [`GET ${CLIENT_MEDIA}/preview_url`]: ofUrl,
  [`GET ${MEDIA}/v3/preview_url`]: ofUrl,
  [`POST ${MEDIA}/v3/upload`]: () => ({ query: { filename: 'file.txt' } }),
  [`POST ${MEDIA}/v1/create`]: nothing,
  [`PUT ${MEDIA}/v3/upload/:serverName/:mediaId`]: withPlace,
  [`GET ${CLIENT_MEDIA}/download/:serverName/:mediaId`]: withFile,
  [`GET ${CLIENT_MEDIA}/download/:serverName/:mediaId/:fileName`]: withNamedFile,
  [`GET ${MEDIA}/v3/download/:serverName/:mediaId`]: withFile,
  [`GET ${MEDIA}/v3/download/:serverName/:mediaId/:fileName`]: withNamedFile,
  [`GET ${CLIENT_MEDIA}/thumbnail/:serverName/:mediaId`]: withImage,
  [`GET ${MEDIA}/v3/thumbnail/:serverName/:mediaId`]: withImage,
};
