import type { AuthOptions } from '../auth/auth-context.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { StateMap } from '../rooms/state-map.js';
import type { EventLookup } from './auth-graph.js';
import { resolveV1 } from './resolve-v1.js';
import { resolveV2 } from './resolve-v2.js';

/**
 * Resolves the states after several events into one, by the algorithm of the room version. The outcome depends neither
 * on the order of the states nor on how often one is given. Event ids that the look-up does not know are left out.
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
  const resolve = rules.stateResolution === 'v1' ? resolveV1 : resolveV2;
  return resolve(distinct, lookup, rules, options);
}
