import type { AuthOptions } from '../auth/auth-context.js';
import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type StateMap, type StateTuple, stateTuple } from '../rooms/state-map.js';
import { authDifference } from './auth-difference.js';
import { authTuples } from './auth-tuples.js';
import { conflictedSubgraph } from './conflicted-subgraph.js';
import { type Conflicts, conflictedEvents } from './conflicts.js';
import type { EventGraph } from './event-graph.js';
import { iterativeAuthChecks } from './iterative-auth-checks.js';
import { loadCreate, loadEvents, loadShared, loadWithAuthEvents } from './load.js';
import { mainlineSort } from './mainline-sort.js';
import { powerEventsAndChains } from './power-events.js';
import type { Questions } from './resolution-answers.js';
import { reverseTopologicalPowerSort } from './reverse-topological-power-sort.js';

const POWER_LEVELS = stateTuple('m.room.power_levels', '');

/**
 * Version 2 of state resolution, and version 2.1 (MSC4297), which begins with an empty state and looks at the conflicted
 * state subgraph too. The result holds, besides entries in conflict, those that no state set has and that an event of the
 * auth difference or of the subgraph makes.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v2/#state-resolution
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function* resolveV2<Id>(
  conflicts: Conflicts<Id>,
  graph: EventGraph<Id>,
  rules: RoomVersionRules,
  options: AuthOptions,
): Questions<Id, StateMap<Id>> {
  const fullConflicted = yield* fullConflictedSet(conflicts, graph, rules);
  const shared = yield* loadContext(fullConflicted, conflicts, graph, rules);

  const powerEvents = powerEventsAndChains(fullConflicted, graph);
  const sortedPowerEvents = reverseTopologicalPowerSort(powerEvents, graph, rules);
  const initial: StateMap<Id> = rules.stateResolution === 'v2.1' ? new Map() : shared;
  const partial = iterativeAuthChecks(sortedPowerEvents, initial, graph, rules, options);

  const others = [...fullConflicted].filter((id) => !powerEvents.has(id));
  const sortedOthers = yield* mainlineSort(others, partial.get(POWER_LEVELS), graph);
  const resolved = iterativeAuthChecks(sortedOthers, partial, graph, rules, options);
  // Whatever happened to them on the way, what the state sets agree on stays.
  for (const tuple of shared.keys()) resolved.delete(tuple);
  return resolved;
}

function* fullConflictedSet<Id>(
  conflicts: Conflicts<Id>,
  graph: EventGraph<Id>,
  rules: RoomVersionRules,
): Questions<Id, Set<Id>> {
  const conflicted = conflictedEvents(conflicts);
  const disputed = rules.stateResolution === 'v2.1' ? yield* conflictedSubgraph(conflicted, graph) : conflicted;
  return new Set([...disputed, ...(yield* authDifference(conflicts, graph))]);
}

/**
 * Loads all that the orderings and the checks look at: the events, those that authorise them, and what the state sets agree on
 * for the entries that decide about them or that they make, which it gives back. Version 2.1, whose state is empty to begin
 * with, needs of it only to know that it is there.
 */
function* loadContext<Id>(
  fullConflicted: ReadonlySet<Id>,
  conflicts: Conflicts<Id>,
  graph: EventGraph<Id>,
  rules: RoomVersionRules,
): Questions<Id, StateMap<Id>> {
  const nodes = Array.from(fullConflicted, (id) => graph.node(id));
  yield* loadWithAuthEvents(nodes, graph);
  if (rules.roomIdIsCreateHash) yield* loadCreate(nodes, graph);
  const events = nodes.map((node) => graph.event(node)).filter((event) => event !== undefined);
  const own = ownTuples(events);
  if (rules.stateResolution === 'v2.1') return yield* loadShared(own, conflicts);
  const shared = yield* loadShared(new Set([POWER_LEVELS, ...own, ...authTuples(events, rules)]), conflicts);
  yield* loadEvents(
    Array.from(shared.values(), (id) => graph.node(id)),
    graph,
  );
  return shared;
}

function ownTuples(events: readonly RoomEvent[]): Set<StateTuple> {
  const tuples = new Set<StateTuple>();
  for (const { pdu } of events) if (pdu.state_key !== undefined) tuples.add(stateTuple(pdu.type, pdu.state_key));
  return tuples;
}
