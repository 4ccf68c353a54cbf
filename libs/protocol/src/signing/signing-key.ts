import { ProtocolError } from '../errors.js';
import { isValidServerKeyId } from '../identifiers/key-id.js';
import { sodium } from './sodium.js';

const SEED_BYTES = 32;

/** A key that was made of the wrong material. */
export class SigningKeyError extends ProtocolError {}

export interface SigningKey {
  /** `ed25519:` and a version of letters, digits and underscores. */
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  /** As libsodium has it: the seed followed by the public key. */
  readonly secretKey: Uint8Array;
}

/**
 * A new random key. Call `ready` first.
 *
 * @throws {SigningKeyError} when the version holds more than letters, digits and underscores
 * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 */
export function generateSigningKey(version: string): SigningKey {
  return signingKeyFromSeed(version, sodium().randombytes_buf(SEED_BYTES));
}

/**
 * The key that a 32-byte seed stands for. Call `ready` first.
 *
 * @throws {SigningKeyError} when the seed has another length or the version more than letters, digits and underscores
 * @see https://spec.matrix.org/v1.19/appendices/#signing-key
 */
export function signingKeyFromSeed(version: string, seed: Uint8Array): SigningKey {
  const keyId = `ed25519:${version}`;
  if (!isValidServerKeyId(keyId)) throw new SigningKeyError('a key version holds letters, digits and underscores only');
  if (seed.length !== SEED_BYTES) throw new SigningKeyError('a seed has 32 bytes');
  const { publicKey, privateKey } = sodium().crypto_sign_seed_keypair(seed);
  return { keyId, publicKey, secretKey: privateKey };
}
