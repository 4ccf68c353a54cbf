import { ProtocolError } from '../errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';
import { Base64Error, decodeBase64 } from './base64.js';
import { signatureBy, verifyJsonSignature } from './json-signature.js';
import type { VerifyKey } from './verify-key.js';

/** An answer about a server's keys that cannot be believed. */
export class InvalidServerKeysError extends ProtocolError {}

const SEVEN_DAYS = 7 * 24 * 60 * 60 * 1000;

/**
 * Reads what a server publishes about its keys, whether it came from the server itself or through a notary. The object must
 * be signed with the server's own current keys. Keys of algorithms other than Ed25519 are left out.
 *
 * @param receivedAt when the answer was received, in milliseconds: nobody's key is relied on for more than seven days from then
 * @throws {InvalidServerKeysError} when the answer is of another server, malformed, or not signed by the server
 * @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
 * @see https://spec.matrix.org/v1.19/rooms/v5/#signing-key-validity-period
 */
export function parseServerKeys(answer: unknown, serverName: string, receivedAt: number): Map<string, VerifyKey> {
  if (!isJsonObject(answer)) throw new InvalidServerKeysError('The answer is not an object');
  if (answer.server_name !== serverName) throw new InvalidServerKeysError(`The keys are not those of ${serverName}`);
  const validUntilTs = Math.min(requireTimestamp(answer, 'valid_until_ts'), receivedAt + SEVEN_DAYS);
  const current = readKeys(answer, 'verify_keys', () => ({ validUntilTs }));
  const old = readKeys(answer, 'old_verify_keys', (entry) => ({ expiredTs: requireTimestamp(entry, 'expired_ts') }));
  checkOwnSignatures(answer, serverName, current);
  return new Map([...old, ...current]);
}

type Validity = Pick<VerifyKey, 'validUntilTs' | 'expiredTs'>;

function readKeys(
  answer: JsonObject,
  field: string,
  validity: (entry: JsonObject) => Validity,
): Map<string, VerifyKey> {
  const entries = answer[field] ?? {};
  if (!isJsonObject(entries)) throw new InvalidServerKeysError(`${field} is not an object`);
  const keys = new Map<string, VerifyKey>();
  for (const [keyId, entry] of Object.entries(entries)) {
    if (!keyId.startsWith('ed25519:')) continue;
    if (!isJsonObject(entry)) throw new InvalidServerKeysError(`${field} has a malformed key`);
    keys.set(keyId, { publicKey: decodePublicKey(entry.key), ...validity(entry) });
  }
  return keys;
}

function requireTimestamp(object: JsonObject, field: string): number {
  const value = object[field];
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new InvalidServerKeysError(`${field} is no timestamp`);
  return value;
}

function decodePublicKey(key: JsonValue | undefined): Uint8Array {
  try {
    if (typeof key === 'string') return decodeBase64(key);
  } catch (cause) {
    if (!(cause instanceof Base64Error)) throw cause;
  }
  throw new InvalidServerKeysError('A public key is not base64');
}

/** One valid signature proves possession; one that is not shows that the answer was tampered with. */
function checkOwnSignatures(answer: JsonObject, serverName: string, keys: ReadonlyMap<string, VerifyKey>): void {
  const used = [...keys].filter(([keyId]) => signatureBy(answer, serverName, keyId) !== undefined);
  if (used.length === 0) throw new InvalidServerKeysError(`The keys are not signed by ${serverName}`);
  const bad = used.find(([keyId, key]) => !verifyJsonSignature(answer, serverName, keyId, key.publicKey));
  if (bad) throw new InvalidServerKeysError(`The signature of ${serverName} with ${bad[0]} is not valid`);
}
