import { isValidServerName } from '@ganglion/protocol';
import type { FileName } from './ports/file-store.js';

const URI = /mxc:\/\/([^/"\\\s]{1,255})\/([A-Za-z0-9_-]{1,255})/g;

/** The files whose URIs stand anywhere in a text, such as JSON, by their URI. */
export function filesNamedIn(text: string): Map<string, FileName> {
  const found = new Map<string, FileName>();
  for (const [uri, serverName = '', mediaId = ''] of text.matchAll(URI)) {
    if (isValidServerName(serverName)) found.set(uri, { serverName, mediaId });
  }
  return found;
}
