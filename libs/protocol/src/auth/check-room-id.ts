import type { RoomEvent } from '../events/pdu.js';
import { roomIdOfCreate } from '../identifiers/room-id.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { AuthState } from './auth-state.js';
import { type Refused, refuse } from './decision.js';

/**
 * Version 12: the room id is the id of an accepted m.room.create event with another sigil.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function checkRoomId(event: RoomEvent, state: AuthState, rules: RoomVersionRules): Refused | undefined {
  if (!rules.roomIdIsCreateHash) return undefined;
  const create = state('m.room.create', '');
  if (create === undefined) return refuse(rules, 'room_id', `the create event of ${event.roomId} is not known`);
  if (roomIdOfCreate(create.eventId) !== event.roomId) {
    return refuse(rules, 'room_id', `room id ${event.roomId} is not that of create event ${create.eventId}`);
  }
  return create.rejected ? refuse(rules, 'room_id', `create event ${create.eventId} was itself rejected`) : undefined;
}
