import { ProtocolError } from '../errors.js';
import { isJsonObject, type JsonObject } from '../json/json-value.js';
import { decodeBase64 } from '../signing/base64.js';
import { signedBytes, verifyBytes } from '../signing/json-signature.js';
import { objectProperty } from './content.js';

/** Identity servers sign once. */
const MOST_SIGNATURES = 16;

/**
 * Whether any signature on the `signed` object of a third-party invite, by whichever entity and key id, was made with
 * this public key, as far as there are no more of them than anybody makes. Needs `ready()` to have resolved. Never throws: what cannot be checked is not signed.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroommember
 */
export function verifyThirdPartySignature(signed: JsonObject, publicKey: string): boolean {
  const key = decodeOrNone(publicKey);
  if (key === undefined) return false;
  const signatures = signaturesOf(signed);
  const message = signatures.length === 0 ? undefined : messageOf(signed);
  return message !== undefined && signatures.some((signature) => verifyBytes(message, signature, key));
}

/** Of any entity, with any key. */
function signaturesOf(signed: JsonObject): Uint8Array[] {
  return Object.values(objectProperty(signed, 'signatures'))
    .flatMap((byKeyId) => (isJsonObject(byKeyId) ? Object.entries(byKeyId) : []))
    .flatMap(([keyId, text]) => (keyId.startsWith('ed25519:') && typeof text === 'string' ? [text] : []))
    .slice(0, MOST_SIGNATURES)
    .flatMap((text) => decodeOrNone(text) ?? []);
}

function messageOf(signed: JsonObject): Uint8Array | undefined {
  try {
    return signedBytes(signed);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function decodeOrNone(publicKey: string): Uint8Array | undefined {
  try {
    return decodeBase64(publicKey);
  } catch {
    return undefined;
  }
}
