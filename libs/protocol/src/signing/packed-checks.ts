import type { SignatureCheck } from './signature-verifier.js';

/**
 * Checks of signatures as one piece of memory, for another thread: to hand sixty small arrays over takes longer than to check a
 * signature.
 */
export interface PackedChecks {
  /** Of each: its key, its signature, its message. */
  readonly bytes: Uint8Array;
  /** Of each message. */
  readonly lengths: readonly number[];
}

/** @param checks whose signatures and keys have the lengths that Ed25519 gives them */
export function packChecks(checks: readonly SignatureCheck[]): PackedChecks {
  const lengths = checks.map(({ message }) => message.length);
  const total = checks.reduce(
    (sum, { message, signature, publicKey }) => sum + publicKey.length + signature.length + message.length,
    0,
  );
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const { message, signature, publicKey } of checks) {
    for (const part of [publicKey, signature, message]) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return { bytes, lengths };
}
