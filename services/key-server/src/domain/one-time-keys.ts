import { isJsonObject, type JsonObject } from '@ganglion/protocol';
import { badJson, invalidSignature } from './failures.js';
import type { DeviceName, UploadedKey } from './ports.js';
import { isSignedBy, keyIdParts, publicKeyBytes } from './public-keys.js';

/** One-time or fallback keys by `<algorithm>:<key id>`: the key itself, or an object with it and its signatures. */
export type UploadedKeys = Readonly<Record<string, string | (JsonObject & { readonly key: string })>>;

const MAX_KEY_BYTES = 4_096;
const MAX_KEY_ID_CHARACTERS = 255;

/** Who signs the keys of a device. */
export interface Signer extends DeviceName {
  readonly keyId: string;
  /** Undefined while the device has none: nobody can tell what it has signed. */
  readonly publicKey: string | undefined;
}

/**
 * Reads one-time or fallback keys.
 *
 * @param field where they stand in the request
 * @throws MatrixError M_BAD_JSON for what is no key, M_INVALID_SIGNATURE for what the device has not signed
 * @see https://spec.matrix.org/v1.19/client-server-api/#one-time-and-fallback-keys
 */
export function readOneTimeKeys(field: string, uploaded: UploadedKeys, signer: Signer): UploadedKey[] {
  return Object.entries(uploaded).map(([name, key]) => {
    const parts = keyIdParts(name);
    if (parts === undefined || name.length > MAX_KEY_ID_CHARACTERS) {
      throw badJson(`${field}: ${name.slice(0, 64)} is not <algorithm>:<key id>`);
    }
    const json = JSON.stringify(key);
    if (Buffer.byteLength(json) > MAX_KEY_BYTES)
      throw badJson(`${field}: ${name} has more than ${MAX_KEY_BYTES} bytes`);
    checkKey(`${field}.${name}`, parts.algorithm, key, signer);
    const publicKey = isJsonObject(key) ? key.key : key;
    return { algorithm: parts.algorithm, keyId: parts.identifier, publicKey, json };
  });
}

/** Algorithms that are not known here are their clients' business. */
function checkKey(where: string, algorithm: string, key: UploadedKeys[string], signer: Signer): void {
  if (algorithm !== 'signed_curve25519' && algorithm !== 'curve25519') return;
  const isObject = isJsonObject(key);
  if (isObject !== (algorithm === 'signed_curve25519')) {
    throw badJson(`${where} must be ${isObject ? 'a string' : 'an object with a key and signatures'}`);
  }
  const publicKey = isObject ? key.key : (key as string);
  if (publicKeyBytes(publicKey) === undefined) throw badJson(`${where} is not a key of 32 bytes`);
  if (!isObject) return;
  if (signer.publicKey === undefined) {
    throw badJson('device_keys is required: a device needs keys of its own before those that it signs');
  }
  if (!isSignedBy(key, signer.userId, signer.keyId, signer.publicKey)) {
    throw invalidSignature(`${where} has no valid signature with ${signer.keyId}`);
  }
}

/** @throws MatrixError M_BAD_JSON when there are two keys of one algorithm */
export function checkOneOfEach(keys: readonly UploadedKey[]): void {
  const algorithms = new Set(keys.map(({ algorithm }) => algorithm));
  if (algorithms.size < keys.length) throw badJson('fallback_keys may have one key of each algorithm');
}
