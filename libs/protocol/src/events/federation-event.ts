import type { JsonObject, JsonValue } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import type { Pdu } from './pdu.js';

/** What of `unsigned` is meant for other servers. The rest (transaction ids, previous content) is for one client's eyes. */
const UNSIGNED_FOR_SERVERS = ['age', 'invite_room_state', 'knock_room_state'] as const;

/**
 * An event as other servers get it: everything that hashes and signatures cover, untouched, and of `unsigned` only what
 * concerns servers.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format-1
 */
export function federationEvent(pdu: Pdu): Pdu {
  const { unsigned, ...covered } = pdu;
  if (unsigned === undefined) return pdu;
  const kept = keepForServers(unsigned);
  return copyNumberLiterals(pdu, Object.keys(kept).length === 0 ? covered : { ...covered, unsigned: kept });
}

function keepForServers(unsigned: JsonObject): JsonObject {
  const kept: Record<string, JsonValue> = {};
  for (const key of UNSIGNED_FOR_SERVERS) {
    const value = unsigned[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}
