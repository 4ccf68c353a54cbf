import { stringProperty } from '../auth/content.js';
import type { Pdu } from '../events/pdu.js';
import type { EventGraph } from './event-graph.js';

/**
 * Whether an event might take somebody's ability to do something in the room: power levels, join rules, and the kick or
 * ban of another user. Only with an empty state key are the first two anything that the rules look at.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#definitions
 */
function isPowerEvent({ type, state_key: stateKey, sender, content }: Pdu): boolean {
  if (type === 'm.room.power_levels' || type === 'm.room.join_rules') return stateKey === '';
  if (type !== 'm.room.member' || stateKey === undefined || stateKey === sender) return false;
  const membership = stringProperty(content, 'membership');
  return membership === 'leave' || membership === 'ban';
}

/**
 * The power events of the full conflicted set, and what authorises them as far as it is in the set. Chains are followed
 * within the set only, as every implementation does: what lies beyond an undisputed event is not asked about again.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#algorithm
 */
export function powerEventsAndChains<Id>(fullConflicted: ReadonlySet<Id>, graph: EventGraph<Id>): Set<Id> {
  const selected = new Set<Id>();
  for (const id of fullConflicted) {
    const pdu = graph.eventOf(id)?.pdu;
    if (pdu !== undefined && isPowerEvent(pdu)) selected.add(id);
  }
  // A set that grows while it is iterated over yields what is added, so this reaches every chain's end.
  for (const id of selected) {
    for (const parent of graph.authEvents(graph.node(id))) {
      const parentId = graph.id(parent);
      if (fullConflicted.has(parentId)) selected.add(parentId);
    }
  }
  return selected;
}
