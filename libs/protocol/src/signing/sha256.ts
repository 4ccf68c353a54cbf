import { hash } from 'node:crypto';

const LENGTH_WITHOUT_PADDING = 43;

/** SHA-256 of bytes, or of text as UTF-8, in unpadded base64. Node's own, being seven times as fast as one in JavaScript. */
export function sha256(data: Uint8Array | string): string {
  return hash('sha256', data, 'base64').slice(0, LENGTH_WITHOUT_PADDING);
}
