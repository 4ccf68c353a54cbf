import sodium from 'libsodium-wrappers';
import type { SignatureCheck } from './signature-verifier.js';

/** What a thread of the worker pool does with its part of a batch. It must import no other file of this library at run time. */
export default async function verifyAll(checks: readonly SignatureCheck[]): Promise<boolean[]> {
  await sodium.ready;
  return checks.map(({ message, signature, publicKey }) =>
    sodium.crypto_sign_verify_detached(signature, message, publicKey),
  );
}
