import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const LIFETIME_MS = 60_000;
const RANDOM_BYTES = 16;
const EXPIRY_BYTES = 6;
const BODY_BYTES = RANDOM_BYTES + EXPIRY_BYTES;

/**
 * A nonce for one request within the next minute. Whoever knows the secret recognises it, so that nothing has to be kept of
 * the nonces that anybody may ask for: only those are noted that somebody who knows the secret has used.
 */
export function newNonce(secret: string): string {
  const body = Buffer.alloc(BODY_BYTES);
  randomBytes(RANDOM_BYTES).copy(body);
  body.writeUIntBE(Date.now() + LIFETIME_MS, RANDOM_BYTES, EXPIRY_BYTES);
  return Buffer.concat([body, sealOf(body, secret)]).toString('hex');
}

/** Whether we have made this nonce, within the last minute. */
export function isOurNonce(nonce: string, secret: string): boolean {
  const bytes = Buffer.from(nonce, 'hex');
  if (bytes.toString('hex') !== nonce) return false;
  const [body, seal] = [bytes.subarray(0, BODY_BYTES), bytes.subarray(BODY_BYTES)];
  const expected = sealOf(body, secret);
  if (seal.length !== expected.length || !timingSafeEqual(seal, expected)) return false;
  return body.readUIntBE(RANDOM_BYTES, EXPIRY_BYTES) > Date.now();
}

function sealOf(body: Buffer, secret: string): Buffer {
  return createHmac('sha256', secret).update('registration nonce').update(body).digest();
}
