import sodium from 'libsodium-wrappers';
import type { PackedChecks } from './packed-checks.js';

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** What a thread of the worker pool does with its part of a batch. It must import no other file of this library at run time. */
export default async function verifyAll({ bytes, lengths }: PackedChecks): Promise<boolean[]> {
  await sodium.ready;
  let at = 0;
  const next = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  return lengths.map((length) => {
    const publicKey = next(PUBLIC_KEY_BYTES);
    const signature = next(SIGNATURE_BYTES);
    return sodium.crypto_sign_verify_detached(signature, next(length), publicKey);
  });
}
