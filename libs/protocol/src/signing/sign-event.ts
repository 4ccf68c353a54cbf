import type { Pdu } from '../events/pdu.js';
import type { JsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { contentHash, essentialBytes, eventIdOf } from './event-hash.js';
import { addSignature, signBytes } from './json-signature.js';
import type { SigningKey } from './signing-key.js';

/** An event before it is hashed and signed. */
export type UnsignedEvent = Omit<Pdu, 'hashes' | 'signatures'> & { readonly unsigned?: JsonObject };

export interface SignedEvent {
  readonly eventId: string;
  readonly pdu: Pdu;
}

/**
 * Makes a finished event: adds its content hash and the server's signature, and says which id it has.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function hashAndSignEvent(
  event: UnsignedEvent,
  rules: RoomVersionRules,
  serverName: string,
  key: SigningKey,
): SignedEvent {
  const bare = { ...event, hashes: { sha256: '' }, signatures: {} } as Pdu;
  const hashed = { ...bare, hashes: { sha256: contentHash(bare, rules) } };
  const pdu = signEvent(hashed, rules, serverName, key);
  return { eventId: eventIdOf(pdu, rules), pdu };
}

/**
 * Adds a server's signature to an event that has its hash already.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function signEvent(pdu: Pdu, rules: RoomVersionRules, serverName: string, key: SigningKey): Pdu {
  return addSignature(pdu, serverName, key.keyId, signBytes(essentialBytes(pdu, rules), key));
}
