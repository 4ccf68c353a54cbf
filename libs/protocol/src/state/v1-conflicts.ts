import { hash } from 'node:crypto';
import type { RoomEvent } from '../events/pdu.js';
import type { StateMap, StateTuple } from '../rooms/state-map.js';
import type { Conflicts } from './conflicts.js';
import type { EventGraph } from './event-graph.js';
import { loadEvents } from './load.js';
import type { Questions } from './resolution-answers.js';

/** One of the events that compete for an entry of a state. */
export interface Rival<Id> {
  readonly id: Id;
  readonly event: RoomEvent;
}

/** The events that compete for each entry of a state, by ascending depth, then descending SHA-1 of their id. */
export type Rivals<Id> = ReadonlyMap<StateTuple, readonly Rival<Id>[]>;

/**
 * What state sets agree on and what they do not, as version 1 has it: an entry that a state set lacks is no conflict.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 */
export function* separateV1<Id>(
  conflicts: Conflicts<Id>,
  graph: EventGraph<Id>,
): Questions<Id, { agreed: StateMap<Id>; rivals: Rivals<Id> }> {
  const agreed = new Map<StateTuple, Id>();
  const rivalIds = new Map<StateTuple, ReadonlySet<Id>>();
  for (const [tuple, candidates] of conflicts) {
    const ids = new Set(candidates.filter((id) => id !== undefined));
    if (ids.size > 1) rivalIds.set(tuple, ids);
    else for (const id of ids) agreed.set(tuple, id);
  }
  yield* loadEvents(new Set([...rivalIds.values()].flatMap((ids) => Array.from(ids, (id) => graph.node(id)))), graph);
  const rivals = new Map<StateTuple, Rival<Id>[]>();
  for (const [tuple, ids] of rivalIds) rivals.set(tuple, inOrder(ids, graph));
  return { agreed, rivals };
}

function inOrder<Id>(ids: Iterable<Id>, graph: EventGraph<Id>): Rival<Id>[] {
  const ordered: (Rival<Id> & { readonly sha1: string })[] = [];
  for (const id of ids) {
    const event = graph.eventOf(id);
    if (event !== undefined) ordered.push({ id, event, sha1: hash('sha1', event.eventId) });
  }
  return ordered.sort((one, other) => one.event.pdu.depth - other.event.pdu.depth || (one.sha1 > other.sha1 ? -1 : 1));
}
