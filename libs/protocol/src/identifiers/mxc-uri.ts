import { accepts, InvalidIdentifierError } from './invalid-identifier-error.js';
import { isValidServerName } from './server-name.js';

export interface MxcUri {
  readonly serverName: string;
  readonly mediaId: string;
}

const MXC = /^mxc:\/\/([^/]+)\/([A-Za-z0-9_-]{1,255})$/;

/**
 * Takes a content URI apart. Nothing that passes can climb out of a directory.
 *
 * @throws {InvalidIdentifierError}
 * @see https://spec.matrix.org/v1.19/client-server-api/#matrix-content-mxc-uris
 */
export function parseMxcUri(uri: string): MxcUri {
  const [, serverName, mediaId] = MXC.exec(uri) ?? [];
  if (mediaId === undefined)
    throw new InvalidIdentifierError('mxc URI', 'not mxc://server/media with a plain media id');
  if (!isValidServerName(serverName)) throw new InvalidIdentifierError('mxc URI', 'malformed server name');
  return { serverName, mediaId };
}

/** True for a content URI. @see https://spec.matrix.org/v1.19/client-server-api/#matrix-content-mxc-uris */
export function isValidMxcUri(uri: unknown): uri is string {
  return accepts(parseMxcUri, uri);
}
