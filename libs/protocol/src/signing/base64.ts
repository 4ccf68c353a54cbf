import { ProtocolError } from '../errors.js';

/** Text that is not base64. */
export class Base64Error extends ProtocolError {}

/** Unpadded base64 in the standard alphabet. @see https://spec.matrix.org/v1.19/appendices/#unpadded-base64 */
export function encodeBase64(bytes: Uint8Array): string {
  return withoutPadding(asBuffer(bytes).toString('base64'));
}

/** Unpadded base64 in the URL-safe alphabet. @see https://spec.matrix.org/v1.19/appendices/#url-safe-unpadded-base64 */
export function encodeBase64Url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url');
}

const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/;

/**
 * Reads base64 of either alphabet, with or without padding: others send both.
 *
 * @throws {Base64Error} when the text is neither
 * @see https://spec.matrix.org/v1.19/appendices/#unpadded-base64
 */
export function decodeBase64(text: string): Uint8Array {
  if (!BASE64.test(text) || withoutPadding(text).length % 4 === 1) throw new Base64Error('not base64');
  return Buffer.from(text, 'base64');
}

function withoutPadding(base64: string): string {
  const padding = base64.indexOf('=');
  return padding < 0 ? base64 : base64.slice(0, padding);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
