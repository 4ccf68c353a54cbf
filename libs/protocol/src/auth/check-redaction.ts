import { type AuthContext, refuseIn } from './auth-context.js';
import { ALLOWED, type AuthDecision } from './decision.js';
import { isSameServer } from './same-server.js';

/**
 * Versions 1 and 2: a redaction needs the redact level, or the redacted event must come from the same server.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v1/#authorisation-rules
 */
export function checkRedaction(context: AuthContext): AuthDecision {
  const { event, levels, pdu } = context;
  if (levels.forUser(pdu.sender) >= levels.redact) return ALLOWED;
  if (typeof pdu.redacts === 'string' && isSameServer(pdu.redacts, event.eventId)) return ALLOWED;
  return refuseIn(context, 'redaction.otherwise', `${pdu.sender} may not redact events of other servers`);
}
