import { PduTooLargeError } from '../events/invalid-pdu-error.js';
import { MAX_PDU_BYTES } from '../events/limits.js';
import type { Pdu, UnsignedEvent } from '../events/pdu.js';
import { canonicalJsonString } from '../json/canonical-json.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { utf8ByteLength } from '../text/utf8.js';
import { essentialBytes, eventIdFromEssentialBytes, hashedJson } from './event-hash.js';
import { addSignature, signBytes } from './json-signature.js';
import { sha256 } from './sha256.js';
import type { SigningKey } from './signing-key.js';

export interface SignedEvent {
  readonly eventId: string;
  readonly pdu: Pdu;
}

/**
 * Makes a finished event: adds its content hash and the server's signature, and says which id it has. Hashes and signatures
 * that were there are replaced.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @throws {PduTooLargeError} when the finished event has more than 65,536 bytes
 * @throws {InvalidPduError} when it should carry an id and does not
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function hashAndSignEvent(
  event: UnsignedEvent,
  rules: RoomVersionRules,
  serverName: string,
  key: SigningKey,
): SignedEvent {
  const hashed = hashedJson(event, rules);
  const withHash = { ...event, hashes: { sha256: sha256(hashed) }, signatures: {} };
  const essential = essentialBytes(copyNumberLiterals(event, withHash), rules);
  const pdu = addSignature(withHash, serverName, key.keyId, signBytes(essential, key));
  checkSize(hashed, pdu, rules);
  return { eventId: eventIdFromEssentialBytes(pdu, essential, rules), pdu };
}

/** Not even at three bytes a character, and with any signature, is such an event too large: no need to count. */
const SURELY_SHORT = 20_000;

/** The hashed JSON lacks three fields; two objects that become one lose a pair of braces and gain a comma. */
function checkSize(hashed: string, { hashes, signatures, unsigned }: Pdu, rules: RoomVersionRules): void {
  if (unsigned === undefined && hashed.length <= SURELY_SHORT) return;
  const rest = canonicalJsonString({ hashes, signatures, unsigned }, { strict: rules.strictCanonicalJson });
  const bytes = utf8ByteLength(hashed) + utf8ByteLength(rest) - 1;
  if (bytes > MAX_PDU_BYTES) throw new PduTooLargeError('', `has ${bytes} bytes, more than ${MAX_PDU_BYTES}`);
}

/**
 * Adds a server's signature to a finished event, as the server that authorises a restricted join or takes an invite does.
 *
 * @throws {CanonicalJsonError} when the event has no canonical form in its room version
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function signEvent(pdu: Pdu, rules: RoomVersionRules, serverName: string, key: SigningKey): Pdu {
  return addSignature(pdu, serverName, key.keyId, signBytes(essentialBytes(pdu, rules), key));
}
