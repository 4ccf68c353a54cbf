import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type StateTuple, stateTuple } from '../rooms/state-map.js';
import type { AuthOptions } from './auth-context.js';
import type { AuthState } from './auth-state.js';
import { authTypesForEvent } from './auth-types.js';
import { checkAuth } from './check-auth.js';
import { checkCreate } from './check-create.js';
import { checkRoomId } from './check-room-id.js';
import { type AuthDecision, type Refused, refuse } from './decision.js';

export interface AuthEventsOptions extends AuthOptions {
  /** The room's m.room.create event, which version 12 does not list among `auth_events`. */
  readonly create?: RoomEvent | undefined;
}

/**
 * Whether the events that an event names in `auth_events` authorise it: the rules about `auth_events` themselves first,
 * then all others with those events as the room's state.
 *
 * @param authEvents every event that `auth_events` names, one for each entry
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function checkAuthEvents(
  event: RoomEvent,
  authEvents: readonly RoomEvent[],
  rules: RoomVersionRules,
  options: AuthEventsOptions = {},
): AuthDecision {
  if (event.pdu.type === 'm.room.create') return checkCreate(event, rules);
  const byTuple = new Map(authEvents.map((authEvent) => [tupleOf(authEvent), authEvent]));
  const state: AuthState = (type, stateKey) =>
    byTuple.get(stateTuple(type, stateKey)) ?? (type === 'm.room.create' ? options.create : undefined);
  return (
    checkRoomId(event, state, rules) ??
    checkSelection(event, authEvents, byTuple, rules) ??
    checkAuth(event, state, rules, options)
  );
}

/** A message event has no place in any state, hence no tuple. */
function tupleOf({ pdu }: RoomEvent): StateTuple | undefined {
  return pdu.state_key === undefined ? undefined : stateTuple(pdu.type, pdu.state_key);
}

function checkSelection(
  event: RoomEvent,
  authEvents: readonly RoomEvent[],
  byTuple: ReadonlyMap<StateTuple | undefined, RoomEvent>,
  rules: RoomVersionRules,
): Refused | undefined {
  if (byTuple.size < authEvents.length) {
    return refuse(rules, 'auth_events.duplicate', 'auth_events has several events of one type and state key');
  }
  const selection = new Set<StateTuple | undefined>();
  for (const [type, stateKey] of authTypesForEvent(event.pdu, rules)) selection.add(stateTuple(type, stateKey));
  const stranger = authEvents.find((authEvent) => !selection.has(tupleOf(authEvent)));
  if (stranger !== undefined) {
    return refuse(rules, 'auth_events.selection', `auth event ${stranger.eventId} cannot authorise this event`);
  }
  return checkEntries(event, authEvents, byTuple, rules);
}

function checkEntries(
  event: RoomEvent,
  authEvents: readonly RoomEvent[],
  byTuple: ReadonlyMap<StateTuple | undefined, RoomEvent>,
  rules: RoomVersionRules,
): Refused | undefined {
  const rejected = authEvents.find((authEvent) => authEvent.rejected);
  if (rejected !== undefined) {
    return refuse(rules, 'auth_events.rejected', `auth event ${rejected.eventId} was itself rejected`);
  }
  if (!rules.roomIdIsCreateHash && !byTuple.has(stateTuple('m.room.create', ''))) {
    return refuse(rules, 'auth_events.create', 'm.room.create is not among the auth events');
  }
  const foreign = authEvents.find((authEvent) => authEvent.roomId !== event.roomId);
  if (foreign !== undefined) {
    return refuse(rules, 'auth_events.room_id', `auth event ${foreign.eventId} is of room ${foreign.roomId}`);
  }
  return undefined;
}
