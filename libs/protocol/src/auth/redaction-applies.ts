import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { AuthState } from './auth-state.js';
import { powerLevelsOf } from './power-levels.js';
import { isSameServer } from './same-server.js';

/**
 * Whether a redaction that the authorisation rules let in takes effect on an event: in versions 1 and 2 they have said
 * so already; later it needs the redact level, or an event of the sender's own server. Both must be of one room.
 *
 * @param state the room's state before the redaction
 * @see https://spec.matrix.org/v1.19/rooms/v12/#handling-redactions
 */
export function redactionApplies(
  redaction: RoomEvent,
  redacted: RoomEvent,
  state: AuthState,
  rules: RoomVersionRules,
): boolean {
  if (redaction.roomId !== redacted.roomId) return false;
  if (rules.redactionAuthByDomain) return true;
  const { sender } = redaction.pdu;
  const levels = powerLevelsOf(state, rules);
  return levels.forUser(sender) >= levels.redact || isSameServer(sender, redacted.pdu.sender);
}
