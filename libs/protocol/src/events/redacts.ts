import type { RoomVersionRules } from '../rooms/room-version.js';
import type { Pdu } from './pdu.js';

/**
 * The id of the event that a redaction is aimed at: in its content from room version 11 on, at the top before.
 * Undefined for other events and for a redaction of nothing.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v11/#moving-the-redacts-property-of-mroomredaction-events-to-a-content-property
 */
export function redactedEventId(pdu: Pdu, rules: RoomVersionRules): string | undefined {
  if (pdu.type !== 'm.room.redaction') return undefined;
  const target = rules.redactsInContent ? pdu.content.redacts : pdu.redacts;
  return typeof target === 'string' ? target : undefined;
}
