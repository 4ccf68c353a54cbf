import { ProtocolError } from '../errors.js';

/** Text that is not base64. */
export class Base64Error extends ProtocolError {}

/** Unpadded base64 in the standard alphabet. @see https://spec.matrix.org/v1.19/appendices/#unpadded-base64 */
export function encodeBase64(bytes: Uint8Array): string {
  const padded = asBuffer(bytes).toString('base64');
  return padded.slice(0, lengthWithoutPadding(padded));
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
  const length = lengthWithoutPadding(text);
  const isWhole = length === text.length ? length % 4 !== 1 : length > 0 && text.length % 4 === 0;
  if (!isWhole || !BASE64.test(text)) throw new Base64Error('not base64');
  return Buffer.from(text, 'base64');
}

function lengthWithoutPadding(base64: string): number {
  const padding = base64.indexOf('=');
  return padding < 0 ? base64.length : padding;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
