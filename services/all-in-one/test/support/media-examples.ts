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

const nothing: MakeExample = () => ({});

export const MEDIA_EXAMPLES: Readonly<Record<string, MakeExample>> = {
  [`GET ${CLIENT_MEDIA}/config`]: nothing,
  [`GET ${MEDIA}/v3/config`]: nothing,
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
