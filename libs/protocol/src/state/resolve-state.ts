import type { AuthOptions } from '../auth/auth-context.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { StateMap } from '../rooms/state-map.js';
import { answerFrom } from './answer-from.js';
import { answerAtOnce } from './answer-questions.js';
import { AuthGraph, type EventLookup } from './auth-graph.js';
import { splitState } from './conflicts.js';
import { resolveIn } from './resolve-conflicts.js';

/**
 * Resolves the states after several events into one, by the algorithm of the room version. The outcome depends neither
 * on the order of the states nor on how often one is given. Event ids that the look-up does not know are left out.
 *
 * This takes states that are all in memory; `resolveConflicts` asks for no more than it needs.
 *
 * @param stateSets the states to resolve; events refused because of their own auth events must not appear in them
 * @param lookup finds every event of the states and of their auth chains
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function resolveState(
  stateSets: readonly StateMap<string>[],
  lookup: EventLookup,
  rules: RoomVersionRules,
  options: AuthOptions = {},
): StateMap<string> {
  const distinct = [...new Set(stateSets)];
  if (distinct.length === 1) return distinct[0]!;
  const { unconflicted, conflicts } = splitState(distinct);
  const graph = new AuthGraph(lookup);
  const resolution = resolveIn(graph, conflicts, rules, options);
  const { entries } = answerAtOnce(resolution, answerFrom(graph, unconflicted));
  const resolved = new Map(unconflicted);
  for (const [tuple, id] of entries) if (id !== undefined) resolved.set(tuple, id);
  return resolved;
}
