import { MatrixError } from '@ganglion/contracts';
import {
  domainOf,
  exactJson,
  InvalidPduError,
  isJsonObject,
  isValidUserId,
  type RoomVersionRules,
  roomIdOfCreate,
  strippedState,
} from '@ganglion/protocol';
import { examine, type Incoming, isIncoming } from '../intake/examine.js';
import { parseList } from '../intake/parse-list.js';

export interface OfferedInvite {
  readonly serverName: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly incoming: Incoming;
  readonly serverNames: readonly string[];
}

/**
 * Refuses what is not an invite of one of our users by a user of the server that sends it: nothing else may be signed here.
 *
 * @returns our server name that is to sign it
 * @throws MatrixError M_INVALID_PARAM
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid
 */
export function checkInvite({ serverName, eventId, incoming, serverNames }: OfferedInvite): string {
  const { pdu } = incoming.event;
  if (incoming.isCut) throw invalid('The content hash of the event is wrong');
  if (incoming.eventId !== eventId) throw invalid(`The event's id is ${incoming.eventId}, not the one of the path`);
  if (pdu.type !== 'm.room.member') throw invalid('The event is no m.room.member');
  if (pdu.content.membership !== 'invite') throw invalid("The event's membership is not invite");
  if (!isValidUserId(pdu.sender) || domainOf(pdu.sender) !== serverName) {
    throw invalid(`The event's sender is not a user of ${serverName}`);
  }
  const target = pdu.state_key;
  if (!isValidUserId(target) || !serverNames.includes(domainOf(target))) {
    throw invalid('The event does not invite a user of this server');
  }
  return domainOf(target);
}

/**
 * What a server tells of a room that it invites to, or where one of our users knocks, as clients may be told it: the four
 * fields of stripped state and nothing else. Where the room's id is the hash of its m.room.create, that has to be among them.
 *
 * @returns a JSON array
 * @throws MatrixError M_INVALID_PARAM
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export function inviteRoomState(json: string, roomId: string, rules: RoomVersionRules): string {
  const events = parseList(json);
  if (events === undefined) throw invalid('invite_room_state is not a list of events');
  if (rules.roomIdIsCreateHash && !events.some((event) => isCreateOf(event, roomId, rules))) {
    throw invalid("invite_room_state lacks the room's m.room.create event");
  }
  try {
    return exactJson.stringify(events.map(strippedState));
  } catch (error) {
    if (error instanceof InvalidPduError) throw invalid(`An event of invite_room_state is none: ${error.message}`);
    throw error;
  }
}

function isCreateOf(event: unknown, roomId: string, rules: RoomVersionRules): boolean {
  if (!isJsonObject(event) || event.type !== 'm.room.create' || event.state_key !== '') return false;
  const examined = examine(exactJson.stringify(event), roomId, rules);
  return isIncoming(examined) && roomIdOfCreate(examined.eventId) === roomId;
}

function invalid(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_PARAM', message);
}
