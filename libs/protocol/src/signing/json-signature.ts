import { ProtocolError } from '../errors.js';
import { type CanonicalJsonOptions, encodeCanonicalJson } from '../json/canonical-json.js';
import { isJsonObject, type JsonObject } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import type { SigningKey } from './signing-key.js';
import { sodium } from './sodium.js';

/** Of Ed25519. */
const SIGNATURE_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;

/** An object that bears signatures, by entity and key id. */
export interface Signed {
  readonly signatures: { readonly [entity: string]: { readonly [keyId: string]: string } };
}

/** The bytes of an object that a signature covers: canonical JSON without `signatures` and `unsigned`. */
export function signedBytes(object: JsonObject, options?: CanonicalJsonOptions): Uint8Array {
  const { signatures: _signatures, unsigned: _unsigned, ...covered } = object;
  return encodeCanonicalJson(copyNumberLiterals(object, covered), options);
}

/** An Ed25519 signature of some bytes, in unpadded base64. */
export function signBytes(message: Uint8Array, key: SigningKey): string {
  return encodeBase64(sodium().crypto_sign_detached(message, key.secretKey));
}

/**
 * A copy of an object with one more signature; those of others stay, and `unsigned` is not covered.
 *
 * @throws {CanonicalJsonError} when the object has no canonical form
 * @see https://spec.matrix.org/v1.19/appendices/#signing-details
 */
export function signJson<T extends object>(
  object: T,
  entity: string,
  key: SigningKey,
  options?: CanonicalJsonOptions,
): T & Signed {
  return addSignature(object, entity, key.keyId, signBytes(signedBytes(object as JsonObject, options), key));
}

/** A copy of an object with a signature added to those it has. */
export function addSignature<T extends object>(
  object: T,
  entity: string,
  keyId: string,
  signature: string,
): T & Signed {
  const present: unknown = 'signatures' in object ? object.signatures : undefined;
  const all = isJsonObject(present) ? present : {};
  const own = Object.hasOwn(all, entity) && isJsonObject(all[entity]) ? all[entity] : {};
  const signatures = { ...all, [entity]: { ...own, [keyId]: signature } };
  return copyNumberLiterals(object, { ...object, signatures } as T & Signed);
}

/** The signature of an entity with a key, if the object bears one that is a string. */
export function signatureBy(
  object: { readonly signatures?: unknown },
  entity: string,
  keyId: string,
): string | undefined {
  const { signatures } = object;
  const own = isJsonObject(signatures) && Object.hasOwn(signatures, entity) ? signatures[entity] : undefined;
  const signature = isJsonObject(own) && Object.hasOwn(own, keyId) ? own[keyId] : undefined;
  return typeof signature === 'string' ? signature : undefined;
}

/**
 * True when the object bears a valid signature of the entity with this key. What cannot be checked counts as not signed.
 * A transaction of another server may hold events of old rooms: verify it, like these, with `strict: false`.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature
 */
export function verifyJsonSignature(
  object: object,
  entity: string,
  keyId: string,
  publicKey: Uint8Array,
  options?: CanonicalJsonOptions,
): boolean {
  const signature = signatureBy(object, entity, keyId);
  if (signature === undefined || !keyId.startsWith('ed25519:')) return false;
  try {
    return verifyBytes(signedBytes(object as JsonObject, options), decodeBase64(signature), publicKey);
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** True for a valid Ed25519 signature; false for anything else, wrong lengths included. */
export function verifyBytes(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  return hasRightLengths(signature, publicKey) && sodium().crypto_sign_verify_detached(signature, message, publicKey);
}

/** Other lengths are not false to libsodium but an error. */
export function hasRightLengths(signature: Uint8Array, publicKey: Uint8Array): boolean {
  return signature.length === SIGNATURE_BYTES && publicKey.length === PUBLIC_KEY_BYTES;
}
