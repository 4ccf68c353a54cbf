import { exceedsIdentifierLimit } from '../identifiers/byte-length.js';
import { isValidEventId } from '../identifiers/event-id.js';
import { isValidRoomId } from '../identifiers/room-id.js';
import { isValidUserId } from '../identifiers/user-id.js';
import { CanonicalJsonError, encodeCanonicalJson } from '../json/canonical-json.js';
import { isJsonObject, type JsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { InvalidPduError, PduTooLargeError } from './invalid-pdu-error.js';
import { MAX_AUTH_EVENTS, MAX_PDU_BYTES, MAX_PREV_EVENTS } from './limits.js';
import type { Pdu } from './pdu.js';

/** Which limits an event is not held to. */
export interface PduLeniency {
  /**
   * It may follow, and be authorised by, any number of events: history that is asked for is not held to these two limits.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid
   */
  readonly manyReferences?: boolean;
}

/**
 * Checks that a value is an event as its room version has it, in every field and every limit. The value itself is returned.
 * Signatures, hashes and authorisation are not looked at.
 *
 * @throws {InvalidPduError} with the field that is wrong and why; `PduTooLargeError` when it is its size
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1
 * @see https://spec.matrix.org/v1.19/client-server-api/#size-limits
 */
export function parsePdu(input: unknown, rules: RoomVersionRules, leniency: PduLeniency = {}): Pdu {
  if (!isJsonObject(input)) throw new InvalidPduError('', 'is not an object');
  checkPduSize(asCanonical(() => encodeCanonicalJson(input, { strict: rules.strictCanonicalJson })).length);
  return checkPduFields(input, rules, leniency);
}

/** @throws {InvalidPduError} with what is wrong with one of the fields of an event */
export function checkPduFields(input: JsonObject, rules: RoomVersionRules, leniency: PduLeniency): Pdu {
  checkIdentity(input, rules);
  checkPosition(input, rules, leniency);
  checkProof(input);
  if (!isJsonObject(input.content)) throw new InvalidPduError('content', 'is not an object');
  if (input.unsigned !== undefined && !isJsonObject(input.unsigned))
    throw new InvalidPduError('unsigned', 'is not an object');
  return input as unknown as Pdu;
}

/** @throws {PduTooLargeError} when an event has more bytes of canonical JSON than it may */
export function checkPduSize(bytes: number): void {
  if (bytes > MAX_PDU_BYTES) throw new PduTooLargeError('', `has ${bytes} bytes, more than ${MAX_PDU_BYTES}`);
}

/** What canonical JSON refuses is no event. */
export function asCanonical<T>(encode: () => T): T {
  try {
    return encode();
  } catch (cause) {
    if (cause instanceof CanonicalJsonError)
      throw new InvalidPduError('', `is not canonical JSON: ${cause.message}`, { cause });
    throw cause;
  }
}

function checkIdentity(input: JsonObject, rules: RoomVersionRules): void {
  const type = requireKey(input, 'type', rules);
  const stateKey = input.state_key === undefined ? undefined : requireKey(input, 'state_key', rules);
  if (!isValidUserId(requireShortString(input, 'sender'))) throw new InvalidPduError('sender', 'is not a user id');
  const isCreate = type === 'm.room.create' && stateKey === '';
  if (!(rules.roomIdIsCreateHash && isCreate && input.room_id === undefined)) {
    if (!isValidRoomId(requireShortString(input, 'room_id'), rules))
      throw new InvalidPduError('room_id', 'is not a room id');
  }
  if (rules.eventIdFormat === 'in-event' && !isValidEventId(requireShortString(input, 'event_id'), 'in-event')) {
    throw new InvalidPduError('event_id', 'is not an event id');
  }
  if (!rules.redactsInContent && input.redacts !== undefined) requireShortString(input, 'redacts');
}

function requireKey(input: JsonObject, field: string, rules: RoomVersionRules): string {
  const value = input[field];
  // 255 code points are at most 510 units of UTF-16: of what is longer, no more has to be counted.
  const mayBeLong = !rules.limitsKeysInBytes && typeof value === 'string' && [...value.slice(0, 511)].length <= 255;
  return mayBeLong ? value : requireShortString(input, field);
}

function requireShortString(input: JsonObject, field: string): string {
  const value = input[field];
  if (typeof value !== 'string') throw new InvalidPduError(field, 'is not a string');
  if (exceedsIdentifierLimit(value)) throw new PduTooLargeError(field, 'is longer than 255 bytes');
  return value;
}

function checkPosition(input: JsonObject, rules: RoomVersionRules, { manyReferences = false }: PduLeniency): void {
  checkReferences(input, 'prev_events', manyReferences ? Number.POSITIVE_INFINITY : MAX_PREV_EVENTS, rules);
  checkReferences(input, 'auth_events', manyReferences ? Number.POSITIVE_INFINITY : MAX_AUTH_EVENTS, rules);
  if (!Number.isInteger(input.origin_server_ts)) throw new InvalidPduError('origin_server_ts', 'is not an integer');
  const { depth } = input;
  if (typeof depth !== 'number' || !Number.isInteger(depth)) throw new InvalidPduError('depth', 'is not an integer');
  if (depth < 0 || depth > 2 ** 63) throw new InvalidPduError('depth', 'is out of range');
}

function checkReferences(input: JsonObject, field: string, limit: number, rules: RoomVersionRules): void {
  const references = input[field];
  if (!Array.isArray(references)) throw new InvalidPduError(field, 'is not an array');
  if (references.length > limit) throw new InvalidPduError(field, `holds more than ${limit} events`);
  for (const [index, reference] of references.entries()) {
    const id: unknown = rules.eventIdFormat === 'in-event' ? idOfPair(reference) : reference;
    if (typeof id !== 'string' || !id.startsWith('$') || exceedsIdentifierLimit(id)) {
      throw new InvalidPduError(`${field}[${index}]`, 'is not a reference to an event');
    }
  }
}

/** In room versions 1 and 2 an event is referred to by its id and its hashes. */
function idOfPair(reference: unknown): unknown {
  return Array.isArray(reference) && reference.length === 2 && isJsonObject(reference[1]) ? reference[0] : undefined;
}

function checkProof({ hashes, signatures }: JsonObject): void {
  if (!isJsonObject(hashes) || typeof hashes.sha256 !== 'string') throw new InvalidPduError('hashes', 'has no sha256');
  if (!isJsonObject(signatures)) throw new InvalidPduError('signatures', 'is not an object');
  for (const [entity, keys] of Object.entries(signatures)) {
    if (!isJsonObject(keys) || !Object.values(keys).every((signature) => typeof signature === 'string')) {
      throw new InvalidPduError(`signatures.${entity}`, 'is not an object of strings');
    }
  }
}
