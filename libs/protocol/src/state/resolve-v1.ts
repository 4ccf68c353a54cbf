import type { AuthOptions } from '../auth/auth-context.js';
import type { AuthState } from '../auth/auth-state.js';
import { checkAuth } from '../auth/check-auth.js';
import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type StateMap, type StateTuple, splitStateTuple, stateTuple } from '../rooms/state-map.js';
import { authTuples } from './auth-tuples.js';
import type { Conflicts } from './conflicts.js';
import type { EventGraph } from './event-graph.js';
import { loadEvents, loadShared } from './load.js';
import type { Questions } from './resolution-answers.js';
import { type Rival, type Rivals, separateV1 } from './v1-conflicts.js';

type Allowed = (event: RoomEvent, state: AuthState) => boolean;
type Winner<Id> = (rivals: readonly Rival<Id>[]) => Rival<Id> | undefined;

/** The types whose conflicts are settled first, one after the other, for they decide about other events. */
const DECISIVE_TYPES: readonly string[] = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member'];

/**
 * Version 1 of state resolution.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 */
export function* resolveV1<Id>(
  conflicts: Conflicts<Id>,
  graph: EventGraph<Id>,
  rules: RoomVersionRules,
  options: AuthOptions,
): Questions<Id, StateMap<Id>> {
  const { agreed, rivals } = yield* separateV1(conflicts, graph);
  const shared = yield* loadContext(rivals, agreed, conflicts, graph, rules);
  const allowed: Allowed = (event, state) => checkAuth(event, state, rules, options).allowed;
  let resolved = new Map([...shared, ...agreed]);
  for (const type of DECISIVE_TYPES) {
    const state = authStateIn(resolved, graph);
    resolved = settle(resolved, ofType(rivals, type), (events) => lastOfRow(events, state, allowed));
  }
  const state = authStateIn(resolved, graph);
  resolved = settle(resolved, ofOtherTypes(rivals), (events) => events.findLast(({ event }) => allowed(event, state)));
  for (const tuple of shared.keys()) resolved.delete(tuple);
  return resolved;
}

/** Loads what decides about the rivals, and gives back what of it the state sets agree on. */
function* loadContext<Id>(
  rivals: Rivals<Id>,
  agreed: StateMap<Id>,
  conflicts: Conflicts<Id>,
  graph: EventGraph<Id>,
  rules: RoomVersionRules,
): Questions<Id, StateMap<Id>> {
  const events = [...rivals.values()].flatMap((each) => each.map(({ event }) => event));
  if (events.length === 0) return new Map();
  const tuples = authTuples(events, rules);
  const shared = yield* loadShared(tuples, conflicts);
  const ids = [...tuples].map((tuple) => shared.get(tuple) ?? agreed.get(tuple)).filter((id) => id !== undefined);
  yield* loadEvents(
    ids.map((id) => graph.node(id)),
    graph,
  );
  return shared;
}

function authStateIn<Id>(stateMap: StateMap<Id>, graph: EventGraph<Id>): AuthState {
  return (type, stateKey) => {
    const id = stateMap.get(stateTuple(type, stateKey));
    return id === undefined ? undefined : graph.eventOf(id);
  };
}

/** A state with the winner of each conflict; no conflict of one round sees the outcome of another. */
function settle<Id>(state: StateMap<Id>, rivals: Rivals<Id>, winnerOf: Winner<Id>): Map<StateTuple, Id> {
  const settled = new Map(state);
  for (const [tuple, events] of rivals) {
    const winner = winnerOf(events);
    if (winner !== undefined) settled.set(tuple, winner.id);
  }
  return settled;
}

/** The first event counts unchecked; each later one must be allowed in the state with the one before it, or all ends. */
function lastOfRow<Id>(rivals: readonly Rival<Id>[], state: AuthState, allowed: Allowed): Rival<Id> | undefined {
  let [last] = rivals;
  for (const rival of rivals.slice(1)) {
    if (!allowed(rival.event, withEvent(state, last!.event))) break;
    last = rival;
  }
  return last;
}

function withEvent(state: AuthState, event: RoomEvent): AuthState {
  const { type: ownType, state_key: ownStateKey } = event.pdu;
  return (type, stateKey) => (type === ownType && stateKey === ownStateKey ? event : state(type, stateKey));
}

function ofType<Id>(rivals: Rivals<Id>, type: string): Rivals<Id> {
  return new Map([...rivals].filter(([tuple]) => splitStateTuple(tuple)[0] === type));
}

function ofOtherTypes<Id>(rivals: Rivals<Id>): Rivals<Id> {
  return new Map([...rivals].filter(([tuple]) => !DECISIVE_TYPES.includes(splitStateTuple(tuple)[0])));
}
