import { isJsonObject, type JsonObject } from '../json/json-value.js';
import { decodeBase64 } from '../signing/base64.js';
import { verifyJsonSignature } from '../signing/json-signature.js';
import { objectProperty } from './content.js';

/**
 * Whether any signature on the `signed` object of a third-party invite, by whichever entity and key id, was made with
 * this public key. Needs `ready()` to have resolved. Never throws: what cannot be checked is not signed.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroommember
 */
export function verifyThirdPartySignature(signed: JsonObject, publicKey: string): boolean {
  const key = decodeOrNone(publicKey);
  if (key === undefined) return false;
  return Object.entries(objectProperty(signed, 'signatures')).some(
    ([entity, byKeyId]) =>
      isJsonObject(byKeyId) && Object.keys(byKeyId).some((keyId) => verifyJsonSignature(signed, entity, keyId, key)),
  );
}

function decodeOrNone(publicKey: string): Uint8Array | undefined {
  try {
    return decodeBase64(publicKey);
  } catch {
    return undefined;
  }
}
