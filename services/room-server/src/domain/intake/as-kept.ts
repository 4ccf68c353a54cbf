import type { GraphNode } from '../graph/event-graph.js';
import type { RoomPlan } from '../placement/room-plan.js';
import { type Incoming, incomingOf, textOf } from './examine.js';

/**
 * An event as it was kept when it first came. What is kept of an event never changes, as it is known by its number in many
 * places: not when it comes again with content that its hash does not vouch for, and not when it comes whole at last.
 */
export async function asKept(
  { head, deps }: RoomPlan,
  incoming: Incoming,
  known: GraphNode | undefined,
): Promise<Incoming> {
  if (known === undefined || incoming.isKept) return incoming;
  const kept = (await deps.graph.events(head.nid, [known.nid])).get(known.nid);
  if (kept === undefined) return incoming;
  return { ...incomingOf(kept.eventId, kept.roomId, kept.pdu, textOf(kept.pdu)), isKept: true };
}
