import { type CanonicalJsonOptions, encodeCanonicalJson } from '../json/canonical-json.js';
import { isJsonObject, type JsonObject } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import type { SigningKey } from './signing-key.js';
import { sodium } from './sodium.js';

/** The bytes of an object that a signature covers: canonical JSON without `signatures` and `unsigned`. */
export function signedBytes(object: JsonObject, options?: CanonicalJsonOptions): Uint8Array {
  const { signatures: _signatures, unsigned: _unsigned, ...covered } = object;
  return encodeCanonicalJson(copyNumberLiterals(object, covered), options);
}

/** An Ed25519 signature of some bytes, in unpadded base64. */
export function signBytes(message: Uint8Array, key: SigningKey): string {
  return encodeBase64(sodium.crypto_sign_detached(message, key.secretKey));
}

/**
 * A copy of an object with one more signature; signatures of others stay.
 *
 * @throws {CanonicalJsonError} when the object has no canonical form
 * @see https://spec.matrix.org/v1.19/appendices/#signing-details
 */
export function signJson<T extends JsonObject>(object: T, entity: string, key: SigningKey): T & Signed {
  return addSignature(object, entity, key.keyId, signBytes(signedBytes(object), key));
}

export interface Signed {
  readonly signatures: { readonly [entity: string]: { readonly [keyId: string]: string } };
}

/** A copy of an object with a signature added to those it has. */
export function addSignature<T extends object>(
  object: T,
  entity: string,
  keyId: string,
  signature: string,
): T & Signed {
  const present = (object as { signatures?: unknown }).signatures;
  const all = isJsonObject(present) ? present : {};
  const own = Object.hasOwn(all, entity) && isJsonObject(all[entity]) ? all[entity] : {};
  const signatures = { ...all, [entity]: { ...own, [keyId]: signature } };
  return copyNumberLiterals(object, { ...object, signatures } as T & Signed);
}

/** The signature of an entity with a key, if the object bears one that is a string. */
export function signatureBy(object: object, entity: string, keyId: string): string | undefined {
  const { signatures } = object as { signatures?: unknown };
  const own = isJsonObject(signatures) && Object.hasOwn(signatures, entity) ? signatures[entity] : undefined;
  const signature = isJsonObject(own) && Object.hasOwn(own, keyId) ? own[keyId] : undefined;
  return typeof signature === 'string' ? signature : undefined;
}

/**
 * True when the object bears a valid signature of the entity with this key. Never throws: what cannot be checked is not signed.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature
 */
export function verifyJsonSignature(object: JsonObject, entity: string, keyId: string, publicKey: Uint8Array): boolean {
  const signature = signatureBy(object, entity, keyId);
  if (signature === undefined || !keyId.startsWith('ed25519:')) return false;
  try {
    return verifyBytes(signedBytes(object), decodeBase64(signature), publicKey);
  } catch {
    return false;
  }
}

/** True for a valid Ed25519 signature; false for anything else, wrong lengths included. */
export function verifyBytes(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== sodium.crypto_sign_BYTES || publicKey.length !== sodium.crypto_sign_PUBLICKEYBYTES)
    return false;
  return sodium.crypto_sign_verify_detached(signature, message, publicKey);
}
