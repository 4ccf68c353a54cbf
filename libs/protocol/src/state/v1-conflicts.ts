import { hash } from 'node:crypto';
import type { RoomEvent } from '../events/pdu.js';
import type { StateMap, StateTuple } from '../rooms/state-map.js';
import type { EventLookup } from './auth-graph.js';

/** The events that compete for each entry of a state, by ascending depth, then descending SHA-1 of their id. */
export type Conflicts = ReadonlyMap<StateTuple, readonly RoomEvent[]>;

/**
 * What state sets agree on and what they do not, as version 1 has it: an entry that a state set lacks is no conflict.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v1/#state-resolution
 */
export function separateV1(
  stateSets: readonly StateMap<string>[],
  lookup: EventLookup,
): { agreed: StateMap<string>; conflicts: Conflicts } {
  const candidates = new Map<StateTuple, Set<string>>();
  for (const stateSet of stateSets) {
    for (const [tuple, eventId] of stateSet) candidates.set(tuple, (candidates.get(tuple) ?? new Set()).add(eventId));
  }
  const agreed = new Map<StateTuple, string>();
  const conflicts = new Map<StateTuple, RoomEvent[]>();
  for (const [tuple, eventIds] of candidates) {
    if (eventIds.size > 1) conflicts.set(tuple, inOrder(eventIds, lookup));
    else for (const eventId of eventIds) agreed.set(tuple, eventId);
  }
  return { agreed, conflicts };
}

function inOrder(eventIds: Iterable<string>, lookup: EventLookup): RoomEvent[] {
  const ordered: { event: RoomEvent; sha1: string }[] = [];
  for (const eventId of eventIds) {
    const event = lookup.event(eventId);
    if (event !== undefined) ordered.push({ event, sha1: hash('sha1', eventId) });
  }
  ordered.sort((one, other) => one.event.pdu.depth - other.event.pdu.depth || (one.sha1 > other.sha1 ? -1 : 1));
  return ordered.map(({ event }) => event);
}
