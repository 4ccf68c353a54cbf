import { InvalidPduError } from '../events/invalid-pdu-error.js';
import type { Pdu } from '../events/pdu.js';
import { canonicalJsonString } from '../json/canonical-json.js';
import type { JsonObject } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import { redactEvent } from '../redaction/redact.js';
import type { EventIdFormat, RoomVersionRules } from '../rooms/room-version.js';
import { Base64Error, decodeBase64, encodeBase64 } from './base64.js';
import { signedBytes } from './json-signature.js';
import { sha256 } from './sha256.js';

/**
 * The hash of everything in an event, its content unredacted, in unpadded base64.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event
 */
export function contentHash(pdu: Pdu, rules: RoomVersionRules): string {
  return sha256(hashedJson(pdu, rules));
}

/** What the content hash covers: all but `hashes`, `signatures` and `unsigned`. */
export function hashedJson(pdu: Partial<Pdu>, rules: RoomVersionRules): string {
  const { signatures: _signatures, unsigned: _unsigned, hashes: _hashes, ...covered } = pdu as unknown as JsonObject;
  return canonicalJsonString(copyNumberLiterals(pdu, covered), { strict: rules.strictCanonicalJson });
}

/**
 * True when an event is as its sender made it. If not, its redacted form is to be used in its place.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function hasValidContentHash(pdu: Pdu, rules: RoomVersionRules): boolean {
  return isHash(pdu.hashes.sha256, contentHash(pdu, rules));
}

/** Hashes are compared as bytes: padded or URL-safe, they are the same. */
export function isHash(claimed: string, computed: string): boolean {
  return claimed === computed || normalised(claimed) === computed;
}

function normalised(base64: string): string | undefined {
  try {
    return encodeBase64(decodeBase64(base64));
  } catch (error) {
    if (error instanceof Base64Error) return undefined;
    throw error;
  }
}

/** What the reference hash and signatures cover: the redacted event without `signatures` and `unsigned`. */
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
 * The id of an event: the one it carries in room versions 1 and 2, the one that its reference hash makes later.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @throws {InvalidPduError} when it should carry an id and does not
 * @see https://spec.matrix.org/v1.19/rooms/v4/#event-ids
 */
export function eventIdOf(pdu: Pdu, rules: RoomVersionRules): string {
  return rules.eventIdFormat === 'in-event' ? carriedEventId(pdu) : idFromHash(referenceHash(pdu, rules), rules);
}

/** As `eventIdOf`, from the essential bytes of an event when they are at hand. */
export function eventIdFromEssentialBytes(pdu: Pdu, bytes: Uint8Array, rules: RoomVersionRules): string {
  return rules.eventIdFormat === 'in-event' ? carriedEventId(pdu) : idFromHash(sha256(bytes), rules);
}

function carriedEventId(pdu: Pdu): string {
  if (pdu.event_id === undefined) throw new InvalidPduError('event_id', 'is missing');
  return pdu.event_id;
}

function idFromHash(hash: string, { eventIdFormat }: { readonly eventIdFormat: EventIdFormat }): string {
  return `$${eventIdFormat === 'base64' ? hash : hash.replaceAll('+', '-').replaceAll('/', '_')}`;
}
