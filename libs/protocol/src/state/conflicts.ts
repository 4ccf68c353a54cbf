import type { StateMap, StateTuple } from '../rooms/state-map.js';

/**
 * Entries about which state sets are in conflict, and what each set has there: undefined where it has none. The place in
 * the list stands for the set, so all lists are of one length.
 */
export type Conflicts<Id> = ReadonlyMap<StateTuple, readonly (Id | undefined)[]>;

/** State sets taken apart into what they agree on and what they do not. */
export interface SplitState<Id> {
  /** The entries that every state set has. */
  readonly unconflicted: StateMap<Id>;
  /** The other entries. */
  readonly conflicts: Conflicts<Id>;
}

/**
 * The unconflicted state map and the conflicts. An entry that one state set lacks is in conflict.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
export function splitState<Id>(stateSets: readonly StateMap<Id>[]): SplitState<Id> {
  const unconflicted = new Map<StateTuple, Id>();
  const conflicts = new Map<StateTuple, (Id | undefined)[]>();
  for (const stateSet of stateSets) {
    for (const [tuple, id] of stateSet) {
      if (unconflicted.get(tuple) === id || conflicts.has(tuple)) continue;
      if (stateSets.every((other) => other.get(tuple) === id)) unconflicted.set(tuple, id);
      else
        conflicts.set(
          tuple,
          stateSets.map((other) => other.get(tuple)),
        );
    }
  }
  return { unconflicted, conflicts };
}

/** What all state sets have, for an entry that is not in conflict after all. */
export function agreedOn<Id>([first, ...others]: readonly (Id | undefined)[]): Id | undefined {
  return others.every((other) => other === first) ? first : undefined;
}

/** The conflicted state set: all events of entries in conflict. @see https://spec.matrix.org/v1.19/rooms/v12/#definitions */
export function conflictedEvents<Id>(conflicts: Conflicts<Id>): Set<Id> {
  const events = new Set<Id>();
  for (const candidates of conflicts.values()) {
    if (agreedOn(candidates) !== undefined) continue;
    for (const id of candidates) if (id !== undefined) events.add(id);
  }
  return events;
}
