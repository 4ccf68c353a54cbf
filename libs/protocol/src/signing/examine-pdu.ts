import { InvalidPduError } from '../events/invalid-pdu-error.js';
import { MAX_PDU_BYTES } from '../events/limits.js';
import { asCanonical, checkPduFields, checkPduSize, type PduLeniency } from '../events/parse-pdu.js';
import type { Pdu } from '../events/pdu.js';
import { roomIdOfCreate } from '../identifiers/room-id.js';
import { canonicalJsonString, canonicalMembers } from '../json/canonical-json.js';
import { isJsonObject } from '../json/json-value.js';
import { JsonSyntaxError, parseJson } from '../json/parse-json.js';
import { keysKeptByRedaction, redactContent, redactEvent } from '../redaction/redact.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { MAX_BYTES_A_UNIT, utf8ByteLength } from '../text/utf8.js';
import { eventIdFromEssentialBytes, isHash } from './event-hash.js';
import { sha256 } from './sha256.js';

/** An event that came from elsewhere, as it counts from now on. Whether it is signed is still to be seen. */
export interface ExaminedPdu {
  /** The event as it was made; if it was changed since, what its sender's signature still covers: its redacted form. */
  readonly pdu: Pdu;
  readonly eventId: string;
  readonly roomId: string;
  /** What the signatures cover: for `verifyEventSignatures` and `verifyManyEventSignatures`. */
  readonly essential: Uint8Array;
  /** Whether the event is as its sender made it. */
  readonly hashOk: boolean;
}

/**
 * Examines an event of another server: whether it is an event of its room version, in every field and every limit; whether its
 * content hash is right, and if not, what is left of it; and which id it has. Its canonical JSON is written once for all of that.
 *
 * The signatures are to be checked of what this gives, not of what was received: a change to an event could else do away with the
 * signature that it needs.
 *
 * @param received the JSON text of the event, or what `parseJson` made of it
 * @throws {InvalidPduError} with the field that is wrong and why; `PduTooLargeError` when it is its size
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function examinePdu(received: unknown, rules: RoomVersionRules, leniency: PduLeniency = {}): ExaminedPdu {
  const input = typeof received === 'string' ? parseText(received) : received;
  if (!isJsonObject(input)) throw new InvalidPduError('', 'is not an object');
  const members = asCanonical(() => canonicalMembers(input, { strict: rules.strictCanonicalJson }));
  checkSize(members);
  const asReceived = checkPduFields(input, rules, leniency);
  const hashOk = isHash(asReceived.hashes.sha256, sha256(coveredByHash(members)));
  const essential = utf8.encode(essentialText(members, asReceived, rules));
  const eventId = eventIdFromEssentialBytes(asReceived, essential, rules);
  const pdu = hashOk ? asReceived : redactEvent(asReceived, rules);
  return { pdu, eventId, roomId: pdu.room_id ?? roomIdOfCreate(eventId), essential, hashOk };
}

const utf8 = new TextEncoder();

/** The canonical JSON of each property of an event. */
type Members = ReadonlyMap<string, string>;

function parseText(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    if (cause instanceof JsonSyntaxError) throw new InvalidPduError('', `is not JSON: ${cause.message}`, { cause });
    throw cause;
  }
}

/** Between two members is a comma, and around them are braces. Bytes are counted only where characters do not tell. */
function checkSize(members: Members): void {
  const marks = members.size + 1;
  let units = 0;
  for (const text of members.values()) units += text.length;
  if (MAX_BYTES_A_UNIT * units + marks <= MAX_PDU_BYTES) return;
  let bytes = marks;
  for (const text of members.values()) bytes += utf8ByteLength(text);
  checkPduSize(bytes);
}

function coveredByHash(members: Members): string {
  const covered: string[] = [];
  for (const [key, text] of members) {
    if (key !== 'hashes' && key !== 'signatures' && key !== 'unsigned') covered.push(text);
  }
  return `{${covered.join()}}`;
}

/** As `essentialBytes` has it: the redacted event without `signatures` and `unsigned`. */
function essentialText(members: Members, pdu: Pdu, rules: RoomVersionRules): string {
  const kept: string[] = [];
  const keys = keysKeptByRedaction(rules);
  for (const [key, text] of members) {
    if (key === 'content') kept.push(redactedContentText(text, pdu, rules));
    else if (key !== 'signatures' && keys.includes(key)) kept.push(text);
  }
  return `{${kept.join()}}`;
}

/** What is left of the content is written anew, unless all is left of it. */
function redactedContentText(text: string, { type, content }: Pdu, rules: RoomVersionRules): string {
  const redacted = redactContent(type, content, rules);
  const isWhole = Object.keys(redacted).length === Object.keys(content).length;
  if (isWhole && redacted.third_party_invite === undefined) return text;
  return `"content":${canonicalJsonString(redacted, { strict: rules.strictCanonicalJson })}`;
}
