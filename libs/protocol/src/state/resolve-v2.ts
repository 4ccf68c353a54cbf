import type { AuthOptions } from '../auth/auth-context.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type StateMap, stateTuple } from '../rooms/state-map.js';
import { authDifference } from './auth-difference.js';
import { AuthGraph, type EventLookup } from './auth-graph.js';
import { conflictedSubgraph } from './conflicted-subgraph.js';
import { splitState } from './conflicts.js';
import { iterativeAuthChecks } from './iterative-auth-checks.js';
import { mainlineSort } from './mainline-sort.js';
import { powerEventsAndChains } from './power-events.js';
import { reverseTopologicalPowerSort } from './reverse-topological-power-sort.js';

const POWER_LEVELS = stateTuple('m.room.power_levels', '');

/**
 * Version 2 of state resolution, and version 2.1 (MSC4297), which begins with an empty state and looks at the conflicted
 * state subgraph too.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v2/#state-resolution
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function resolveV2(
  stateSets: readonly StateMap<string>[],
  lookup: EventLookup,
  rules: RoomVersionRules,
  options: AuthOptions,
): StateMap<string> {
  const { unconflicted, conflicted } = splitState(stateSets);
  if (conflicted.size === 0) return unconflicted;
  const graph = new AuthGraph(lookup);
  const fromEmpty = rules.stateResolution === 'v2.1';
  const disputed = fromEmpty ? conflictedSubgraph(conflicted, graph) : conflicted;
  const fullConflicted = new Set([...disputed, ...authDifference(stateSets, graph)]);

  const powerEvents = powerEventsAndChains(fullConflicted, graph);
  const sortedPowerEvents = reverseTopologicalPowerSort(powerEvents, graph, rules);
  const initial: StateMap<string> = fromEmpty ? new Map() : unconflicted;
  const partial = iterativeAuthChecks(sortedPowerEvents, initial, graph, rules, options);

  const others = [...fullConflicted].filter((eventId) => !powerEvents.has(eventId));
  const sortedOthers = mainlineSort(others, partial.get(POWER_LEVELS), graph);
  const resolved = iterativeAuthChecks(sortedOthers, partial, graph, rules, options);
  for (const [tuple, eventId] of unconflicted) resolved.set(tuple, eventId);
  return resolved;
}
