import type { AuthOptions } from '../auth/auth-context.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import type { StateMap, StateTuple } from '../rooms/state-map.js';
import { agreedOn, type Conflicts, conflictedEvents } from './conflicts.js';
import { EventGraph } from './event-graph.js';
import type { Questions } from './resolution-answers.js';
import { resolveV1 } from './resolve-v1.js';
import { resolveV2 } from './resolve-v2.js';

/** Entries of a state that are to be what is given here; undefined where it is to have none. */
export type StateChanges<Id> = ReadonlyMap<StateTuple, Id | undefined>;

/** What state sets that are in conflict come to. */
export interface Resolution<Id> {
  /**
   * Each entry that was in conflict; and those that no state set has but the resolved state does, made by an event that only
   * some of them stand on. All others are as the sets agree.
   */
  readonly entries: StateChanges<Id>;
  /**
   * For each state set, in the order given, where the resolved state differs from it: with these changes, it is the
   * resolved state. Empty where no conflict was given.
   */
  readonly changes: readonly StateChanges<Id>[];
}

/**
 * Resolves the states after several events into one, by the algorithm of the room version, from nothing but the entries in
 * which they differ. What else must be known is asked for, in few rounds of questions about many events at once;
 * `answerInTime` puts them to whoever has the answers.
 *
 * What is asked for grows with what is in conflict: with the events in conflict, what authorises them and not all sets, and
 * the events next to these. Neither the members of the room count nor its age, with two exceptions: power levels are read
 * back to those that an event in conflict was sent under; and version 2.1 looks for ways from one event in conflict to another
 * as far down as `leadingTo` lets it.
 *
 * Events are called whatever the caller calls them. Where an order is needed it is that of the `eventId` which comes with each
 * event. What is not known is left out.
 *
 * @param conflicts all entries in which the state sets differ; entries in which they do not may be among them
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export function resolveConflicts<Id extends string | number>(
  conflicts: Conflicts<Id>,
  rules: RoomVersionRules,
  options: AuthOptions = {},
): Questions<Id, Resolution<Id>> {
  return resolveIn(new EventGraph<Id>(), conflicts, rules, options);
}

/** As `resolveConflicts`, in a graph that may know something already. */
export function* resolveIn<Id>(
  graph: EventGraph<Id>,
  conflicts: Conflicts<Id>,
  rules: RoomVersionRules,
  options: AuthOptions,
): Questions<Id, Resolution<Id>> {
  const resolve = rules.stateResolution === 'v1' ? resolveV1 : resolveV2;
  const isInConflict = conflictedEvents(conflicts).size > 0;
  return provenance(conflicts, isInConflict ? yield* resolve(conflicts, graph, rules, options) : new Map());
}

function provenance<Id>(conflicts: Conflicts<Id>, resolved: StateMap<Id>): Resolution<Id> {
  const entries = new Map<StateTuple, Id | undefined>(resolved);
  for (const [tuple, candidates] of conflicts) entries.set(tuple, agreedOn(candidates) ?? resolved.get(tuple));
  const [first] = conflicts.values();
  const changes = Array.from(first ?? [], (_set, index) => changesTo(index, entries, conflicts));
  return { entries, changes };
}

function changesTo<Id>(index: number, entries: StateChanges<Id>, conflicts: Conflicts<Id>): StateChanges<Id> {
  return new Map([...entries].filter(([tuple, id]) => conflicts.get(tuple)?.[index] !== id));
}
