import { hash } from 'node:crypto';
import type { Pdu } from '../events/pdu.js';
import { encodeCanonicalJson } from '../json/canonical-json.js';
import type { JsonObject } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import { redactEvent } from '../redaction/redact.js';
import type { EventIdFormat, RoomVersionRules } from '../rooms/room-version.js';
import { signedBytes } from './json-signature.js';

/** SHA-256 in unpadded base64. */
export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64').slice(0, 43);
}

/**
 * The hash of everything in an event, its content unredacted, in unpadded base64.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event
 */
export function contentHash(pdu: Pdu, rules: RoomVersionRules): string {
  const { signatures: _signatures, unsigned: _unsigned, hashes: _hashes, ...covered } = pdu as unknown as JsonObject;
  return sha256(encodeCanonicalJson(copyNumberLiterals(pdu, covered), { strict: rules.strictCanonicalJson }));
}

/**
 * True when an event is as its sender made it. If not, its redacted form is to be used.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function hasValidContentHash(pdu: Pdu, rules: RoomVersionRules): boolean {
  return contentHash(pdu, rules) === pdu.hashes.sha256.replace(/=+$/, '');
}

/** What signatures and the reference hash of an event cover: its redacted form without `signatures` and `unsigned`. */
export function essentialBytes(pdu: Pdu, rules: RoomVersionRules): Uint8Array {
  return signedBytes(redactEvent(pdu, rules) as unknown as JsonObject, { strict: rules.strictCanonicalJson });
}

/**
 * The hash of what redaction leaves of an event, in unpadded base64.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
 */
export function referenceHash(pdu: Pdu, rules: RoomVersionRules): string {
  return sha256(essentialBytes(pdu, rules));
}

/**
 * The id of an event: what it says itself in room versions 1 and 2, made of its reference hash later.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/rooms/v4/#event-ids
 */
export function eventIdOf(pdu: Pdu, rules: RoomVersionRules): string {
  if (rules.eventIdFormat === 'in-event') return pdu.event_id ?? '';
  return eventIdFromHash(referenceHash(pdu, rules), rules.eventIdFormat);
}

/** The event id that a reference hash in unpadded base64 makes. */
export function eventIdFromHash(hash: string, format: Exclude<EventIdFormat, 'in-event'>): string {
  return `$${format === 'base64' ? hash : hash.replaceAll('+', '-').replaceAll('/', '_')}`;
}
