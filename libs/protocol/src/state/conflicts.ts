import type { StateMap, StateTuple } from '../rooms/state-map.js';

/** State sets taken apart into what they agree on and what they do not. */
export interface SplitState {
  /** The entries that every state set has. */
  readonly unconflicted: StateMap<string>;
  /** All events of the other entries. */
  readonly conflicted: ReadonlySet<string>;
}

/**
 * The unconflicted state map and the conflicted state set. An entry that one state set lacks is in conflict.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function splitState(stateSets: readonly StateMap<string>[]): SplitState {
  const unconflicted = new Map<StateTuple, string>();
  const conflicted = new Set<string>();
  for (const stateSet of stateSets) {
    for (const [tuple, eventId] of stateSet) {
      if (unconflicted.get(tuple) === eventId) continue;
      if (stateSets.every((other) => other.get(tuple) === eventId)) unconflicted.set(tuple, eventId);
      else conflicted.add(eventId);
    }
  }
  return { unconflicted, conflicted };
}
