import { randomBytes } from 'node:crypto';
import type { FileName } from './ports/file-store.js';

/** Nobody guesses it, and it needs no escaping anywhere. */
export function newMediaId(): string {
  return randomBytes(18).toString('base64url');
}

/** A key in a byte store: never used before, and spread evenly over what begins with the same two characters. */
export function newKey(): string {
  return randomBytes(20).toString('hex');
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#matrix-content-mxc-uris */
export function mxcUri({ serverName, mediaId }: FileName): string {
  return `mxc://${serverName}/${mediaId}`;
}
