import type { Pdu } from '../events/pdu.js';
import { InvalidIdentifierError } from '../identifiers/invalid-identifier-error.js';
import { domainOf, parseUserId } from '../identifiers/user-id.js';
import { isJsonObject } from '../json/json-value.js';
import type { RoomVersionRules } from '../rooms/room-version.js';

/**
 * The servers without whose signature an event counts for nothing: the sender's (unless it is a third-party invite), in room
 * versions 1 and 2 the one named in the event id, and where restricted joins exist the one that authorised the join.
 *
 * @throws {InvalidIdentifierError} when one of them cannot be told
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 * @see https://spec.matrix.org/v1.19/rooms/v8/#authorisation-rules
 */
export function requiredSigners(pdu: Pdu, rules: RoomVersionRules): string[] {
  const signers = new Set<string>();
  if (!isThirdPartyInvite(pdu)) signers.add(domainOf(pdu.sender));
  if (rules.eventIdFormat === 'in-event') signers.add(domainOf(pdu.event_id ?? ''));
  const authoriser = pdu.content.join_authorised_via_users_server;
  if (rules.restrictedJoin && pdu.type === 'm.room.member' && authoriser !== undefined) {
    signers.add(serverOfAuthoriser(authoriser));
  }
  return [...signers];
}

/** Anything but an object would be refused as a third-party invite later, and must not do away with the signature now. */
function isThirdPartyInvite({ type, content }: Pdu): boolean {
  return type === 'm.room.member' && content.membership === 'invite' && isJsonObject(content.third_party_invite);
}

function serverOfAuthoriser(authoriser: unknown): string {
  if (typeof authoriser !== 'string') throw new InvalidIdentifierError('user id', 'it is not a string');
  return parseUserId(authoriser).serverName;
}
