import type { Pdu } from '../events/pdu.js';
import { domainOf } from '../identifiers/user-id.js';
import type { RoomVersionRules } from '../rooms/room-version.js';

/**
 * The servers without whose signature an event counts for nothing: the sender's (unless it is a third-party invite), in room
 * versions 1 and 2 the one named in the event id, and where restricted joins exist the one that authorised the join.
 *
 * @throws {InvalidIdentifierError} when one of these ids has no domain
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function requiredSigners(pdu: Pdu, rules: RoomVersionRules): string[] {
  const signers = new Set<string>();
  if (!isThirdPartyInvite(pdu)) signers.add(domainOf(pdu.sender));
  if (rules.eventIdFormat === 'in-event' && pdu.event_id !== undefined) signers.add(domainOf(pdu.event_id));
  const authoriser = pdu.content.join_authorised_via_users_server;
  if (rules.restrictedJoin && pdu.type === 'm.room.member' && typeof authoriser === 'string') {
    signers.add(domainOf(authoriser));
  }
  return [...signers];
}

function isThirdPartyInvite(pdu: Pdu): boolean {
  return (
    pdu.type === 'm.room.member' && pdu.content.membership === 'invite' && pdu.content.third_party_invite !== undefined
  );
}
