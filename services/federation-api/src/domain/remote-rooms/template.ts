import { MatrixError } from '@ganglion/contracts';
import {
  buildEvent,
  domainOf,
  isJsonObject,
  isValidEventId,
  isValidUserId,
  type JsonObject,
  type JsonValue,
  type Pdu,
  type RoomVersionRules,
  roomVersionRules,
  type UnsignedEvent,
} from '@ganglion/protocol';
import type { EnteredMembership } from '../ports/remote-rooms.js';

/** What we want to say with an event that another server offers us. */
export interface WantedMembership {
  readonly roomId: string;
  readonly userId: string;
  readonly membership: EnteredMembership;
  /** Further keys of the content. */
  readonly content: JsonObject;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The limits of what an event may follow and be authorised by. @see https://spec.matrix.org/v1.19/rooms/v12/ */
const MAX_PREV_EVENTS = 20;
const MAX_AUTH_EVENTS = 10;

/**
 * The event that we sign: what is said in it is ours. Of what the other server offers we take nothing but the place in the room, and
 * who lets us into a restricted room.
 *
 * @throws MatrixError M_INCOMPATIBLE_ROOM_VERSION, M_UNKNOWN with 502 when it offers something else
 */
export function eventFromTemplate(answer: JsonObject, wanted: WantedMembership) {
  const version = answer.room_version ?? '1';
  const rules = typeof version === 'string' ? roomVersionRules(version) : undefined;
  if (rules === undefined) throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'The room has an unknown version');
  const { event } = answer;
  if (!isJsonObject(event)) throw offersNothing('no event');
  checkIsAbout(event, wanted);
  const { userId, roomId, membership, now } = wanted;
  const { join_authorised_via_users_server: _, ...said } = wanted.content;
  const content = { ...said, membership, ...authoriser(event, rules, membership) };
  const place = { ...placeOf(event, rules), roomId, ...ownId(rules, userId, now) };
  const draft = { type: 'm.room.member', sender: userId, state_key: userId, content, origin_server_ts: now };
  return { rules, event: buildEvent(draft, place, rules) as UnsignedEvent };
}

/** Room versions 1 and 2 let the server of the sender name the event. */
function ownId(rules: RoomVersionRules, userId: string, now: number): { event_id?: string } {
  if (rules.eventIdFormat !== 'in-event') return {};
  const chance = Math.random().toString(36).slice(2);
  return { event_id: `$${now}${chance}:${domainOf(userId)}` };
}

function checkIsAbout(event: JsonObject, { roomId, userId, membership }: WantedMembership): void {
  const { type, sender, state_key, room_id, content } = event;
  const isOther =
    type !== 'm.room.member' || sender !== userId || state_key !== userId || (room_id ?? roomId) !== roomId;
  if (isOther) throw offersNothing('an event about something else');
  if (!isJsonObject(content) || content.membership !== membership) throw offersNothing('another membership');
}

function authoriser(event: JsonObject, rules: RoomVersionRules, membership: string): JsonObject {
  const via = (event.content as JsonObject).join_authorised_via_users_server;
  if (membership !== 'join' || !rules.restrictedJoin || via === undefined) return {};
  if (!isValidUserId(via)) throw offersNothing('somebody who is nobody to let us in');
  return { join_authorised_via_users_server: via };
}

function placeOf(event: JsonObject, rules: RoomVersionRules): Pick<Pdu, 'prev_events' | 'auth_events' | 'depth'> {
  const { prev_events, auth_events, depth } = event;
  checkReferences(prev_events, MAX_PREV_EVENTS, rules);
  checkReferences(auth_events, MAX_AUTH_EVENTS, rules);
  if (typeof depth !== 'number' || !Number.isSafeInteger(depth) || depth < 0) throw offersNothing('no depth');
  return { prev_events, auth_events, depth } as never;
}

function checkReferences(value: JsonValue | undefined, most: number, rules: RoomVersionRules): void {
  if (!Array.isArray(value) || value.length > most) throw offersNothing('no place in the room');
  const isReference = (each: JsonValue) =>
    rules.eventIdFormat === 'in-event' ? Array.isArray(each) && isValidEventId(each[0]) : isValidEventId(each);
  if (!value.every(isReference)) throw offersNothing('no place in the room');
}

function offersNothing(what: string): MatrixError {
  return new MatrixError(502, 'M_UNKNOWN', `The other server offered ${what}`);
}
