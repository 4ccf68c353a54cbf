import type { Pdu } from '../events/pdu.js';
import type { PowerLevels } from './power-levels.js';

/**
 * Whether a user may have an event redacted that is theirs, or somebody else's if they have the power for that. Servers ask
 * this of their own users; what counts between servers is `redactionApplies`.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid
 */
export function mayRedact(userId: string, redacted: Pdu, levels: PowerLevels): boolean {
  return redacted.sender === userId || levels.forUser(userId) >= levels.redact;
}
