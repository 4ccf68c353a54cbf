import { decodeBase64, type JsonObject, ProtocolError, parseKeyId, verifyJsonSignature } from '@ganglion/protocol';

const KEY_BYTES = 32;

/** The bytes of an Ed25519 or Curve25519 key; undefined for what is none. @see https://spec.matrix.org/v1.19/client-server-api/#key-algorithms */
export function publicKeyBytes(text: string): Uint8Array | undefined {
  try {
    const bytes = decodeBase64(text);
    return bytes.length === KEY_BYTES ? bytes : undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Whether an object bears a valid signature of a user's key. @see https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature */
export function isSignedBy(object: JsonObject, userId: string, keyId: string, publicKey: string): boolean {
  const bytes = publicKeyBytes(publicKey);
  return bytes !== undefined && verifyJsonSignature(object, userId, keyId, bytes);
}

/** The parts of `algorithm:identifier`; undefined for anything else. */
export function keyIdParts(keyId: string): { readonly algorithm: string; readonly identifier: string } | undefined {
  try {
    return parseKeyId(keyId);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
