import type { RoomEvent } from '../events/pdu.js';
import { isValidUserId } from '../identifiers/user-id.js';
import { type RoomVersionRules, roomVersionRules } from '../rooms/room-version.js';
import { hasProperty, ownProperty } from './content.js';
import { ALLOWED, type AuthDecision, refuse } from './decision.js';
import { isSameServer } from './same-server.js';

/**
 * Rule 1: m.room.create.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function checkCreate({ pdu }: RoomEvent, rules: RoomVersionRules): AuthDecision {
  if (pdu.prev_events.length > 0) return refuse(rules, 'create.prev_events', 'm.room.create has previous events');
  const roomId = roomIdFault(pdu.room_id, pdu.sender, rules);
  if (roomId !== undefined) return refuse(rules, 'create.room_id', roomId);
  const version = ownProperty(pdu.content, 'room_version');
  if (version !== undefined && (typeof version !== 'string' || roomVersionRules(version) === undefined)) {
    return refuse(rules, 'create.room_version', `room version ${JSON.stringify(version)} is not known`);
  }
  if (!rules.implicitCreator && !hasProperty(pdu.content, 'creator')) {
    return refuse(rules, 'create.creator', 'm.room.create names no creator');
  }
  if (rules.privilegedCreators && !isAbsentOrUserIds(ownProperty(pdu.content, 'additional_creators'))) {
    return refuse(rules, 'create.additional_creators', 'additional_creators is not a list of user ids');
  }
  return ALLOWED;
}

function roomIdFault(roomId: string | undefined, sender: string, rules: RoomVersionRules): string | undefined {
  if (rules.roomIdIsCreateHash) return roomId === undefined ? undefined : 'm.room.create carries a room_id';
  if (roomId !== undefined && isSameServer(roomId, sender)) return undefined;
  return `room id ${roomId} is not of the server of ${sender}`;
}

function isAbsentOrUserIds(value: unknown): boolean {
  if (value === undefined) return true;
  return Array.isArray(value) && value.every((entry) => isValidUserId(entry));
}
