import type { AuthOptions } from '../auth/auth-context.js';
import type { AuthState } from '../auth/auth-state.js';
import { checkAuth } from '../auth/check-auth.js';
import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type StateMap, splitStateTuple, stateTuple } from '../rooms/state-map.js';
import type { EventLookup } from './auth-graph.js';
import { type Conflicts, separateV1 } from './v1-conflicts.js';

type Allowed = (event: RoomEvent, state: AuthState) => boolean;
type Winner = (events: readonly RoomEvent[]) => RoomEvent | undefined;

/** The types whose conflicts are settled first, one after the other, for they decide about other events. */
const DECISIVE_TYPES: readonly string[] = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member'];

/**
 * Version 1 of state resolution.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 */
export function resolveV1(
  stateSets: readonly StateMap<string>[],
  lookup: EventLookup,
  rules: RoomVersionRules,
  options: AuthOptions,
): StateMap<string> {
  const { agreed, conflicts } = separateV1(stateSets, lookup);
  const allowed: Allowed = (event, state) => checkAuth(event, state, rules, options).allowed;
  let resolved = agreed;
  for (const type of DECISIVE_TYPES) {
    const state = authStateIn(resolved, lookup);
    resolved = settle(resolved, ofType(conflicts, type), (events) => lastOfRow(events, state, allowed));
  }
  const state = authStateIn(resolved, lookup);
  return settle(resolved, ofOtherTypes(conflicts), (events) => events.findLast((event) => allowed(event, state)));
}

function authStateIn(stateMap: StateMap<string>, lookup: EventLookup): AuthState {
  return (type, stateKey) => {
    const eventId = stateMap.get(stateTuple(type, stateKey));
    return eventId === undefined ? undefined : lookup.event(eventId);
  };
}

/** A state with the winner of each conflict; no conflict of one round sees the outcome of another. */
function settle(state: StateMap<string>, conflicts: Conflicts, winnerOf: Winner): StateMap<string> {
  const settled = new Map(state);
  for (const [tuple, events] of conflicts) {
    const winner = winnerOf(events);
    if (winner !== undefined) settled.set(tuple, winner.eventId);
  }
  return settled;
}

/** The first event counts unchecked; each later one must be allowed in the state with the one before it, or all ends. */
function lastOfRow(events: readonly RoomEvent[], state: AuthState, allowed: Allowed): RoomEvent | undefined {
  let [last] = events;
  for (const event of events.slice(1)) {
    if (!allowed(event, withEvent(state, last!))) break;
    last = event;
  }
  return last;
}

function withEvent(state: AuthState, event: RoomEvent): AuthState {
  const { type: ownType, state_key: ownStateKey } = event.pdu;
  return (type, stateKey) => (type === ownType && stateKey === ownStateKey ? event : state(type, stateKey));
}

function ofType(conflicts: Conflicts, type: string): Conflicts {
  return new Map([...conflicts].filter(([tuple]) => splitStateTuple(tuple)[0] === type));
}

function ofOtherTypes(conflicts: Conflicts): Conflicts {
  return new Map([...conflicts].filter(([tuple]) => !DECISIVE_TYPES.includes(splitStateTuple(tuple)[0])));
}
