import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { ownProperty, stringProperty } from './content.js';

/** A look-up in the room's state: the event that an (event type, state key) pair points to, if any. */
export type AuthState = (type: string, stateKey: string) => RoomEvent | undefined;

/** The membership of a user; whoever has no m.room.member event has left or was never there. */
export function membershipOf(state: AuthState, userId: string): string {
  return stringProperty(state('m.room.member', userId)?.pdu.content, 'membership') ?? 'leave';
}

/** The room's join rule; without an m.room.join_rules event it is `invite`. */
export function joinRuleOf(state: AuthState): string {
  return stringProperty(state('m.room.join_rules', '')?.pdu.content, 'join_rule') ?? 'invite';
}

/**
 * The user who made the room: `content.creator` of the m.room.create event up to version 10, its sender from then on.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v11/#remove-the-creator-property-of-mroomcreate-events
 */
export function creatorOf(create: RoomEvent, rules: RoomVersionRules): string | undefined {
  return rules.implicitCreator ? create.pdu.sender : stringProperty(create.pdu.content, 'creator');
}

/**
 * Whether the user stands above every power level: in version 12 the sender of the m.room.create event and its
 * `additional_creators`; nobody before.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function isPrivilegedCreator(create: RoomEvent | undefined, userId: string, rules: RoomVersionRules): boolean {
  if (create === undefined || !rules.privilegedCreators) return false;
  if (create.pdu.sender === userId) return true;
  const additional = ownProperty(create.pdu.content, 'additional_creators');
  return Array.isArray(additional) && additional.includes(userId);
}
