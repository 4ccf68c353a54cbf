import { hash } from 'node:crypto';

const LENGTH_WITHOUT_PADDING = 43;

/** SHA-256 in unpadded base64. Node's own, being seven times as fast as one in JavaScript. */
export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64').slice(0, LENGTH_WITHOUT_PADDING);
}
