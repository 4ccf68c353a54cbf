import { accepts, InvalidIdentifierError } from './invalid-identifier-error.js';

export interface KeyId {
  readonly algorithm: string;
  /** The version of a server's key; the device id or the public key in end-to-end encryption. */
  readonly identifier: string;
}

/**
 * Takes `algorithm:identifier` apart at the first colon; both parts must be there.
 *
 * @throws {InvalidIdentifierError}
 * @see https://spec.matrix.org/v1.19/appendices/#signing-details
 */
export function parseKeyId(keyId: string): KeyId {
  const colon = keyId.indexOf(':');
  if (colon < 1 || colon === keyId.length - 1) throw new InvalidIdentifierError('key id', 'not algorithm:identifier');
  return { algorithm: keyId.slice(0, colon), identifier: keyId.slice(colon + 1) };
}

/** True for a key id of any algorithm. @see https://spec.matrix.org/v1.19/appendices/#signing-details */
export function isValidKeyId(keyId: unknown): keyId is string {
  return accepts(parseKeyId, keyId);
}

const SERVER_KEY_ID = /^ed25519:[A-Za-z0-9_]+$/;

/** True for the id of a server's signing key. @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys */
export function isValidServerKeyId(keyId: unknown): keyId is string {
  return typeof keyId === 'string' && SERVER_KEY_ID.test(keyId);
}
