import { authEventIds, domainOf, prevEventIds } from '@ganglion/protocol';
import { isPlaced } from '../graph/event-graph.js';
import { ReceivedPlacement } from '../placement/received-placement.js';
import type { RoomPlan } from '../placement/room-plan.js';
import { type Command, command } from '../room-actor.js';
import { Resolver } from '../state/resolver.js';
import { GONE } from '../state/state-node.js';
import { asKept } from './as-kept.js';
import type { Incoming, Outcome } from './examine.js';

/** In the log, for an event that another server took from us and passes on. */
const TOLD_BY_ANOTHER = '';

export interface StatedEvent {
  readonly incoming: Incoming;
  /** The events of the state before it, as another server says. */
  readonly stateEventIds: readonly string[];
  readonly backfill: boolean;
  /** The server names that are ours. */
  readonly serverNames: readonly string[];
}

/**
 * Places an event on a state that is given, for its predecessors are missing: how a room is joined by way of another
 * server, and how a gap is bridged that cannot be filled. What makes up the state was stored before.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export function placeWithState(stated: StatedEvent): Command<Outcome> {
  return Object.assign(
    command([], ({ plan }) => place(plan, stated)),
    // So much may change that nothing else of this plan could be sure what the room is like.
    { isAlone: true },
  );
}

async function place(plan: RoomPlan, stated: StatedEvent): Promise<Outcome> {
  const { head, deps } = plan;
  const { incoming } = stated;
  const { eventId, event } = incoming;
  const prevIds = [...new Set(prevEventIds(event.pdu))];
  const authIds = authEventIds(event.pdu);
  const nodes = await deps.graph.find(head.nid, [eventId, ...prevIds, ...authIds]);
  const known = nodes.get(eventId);
  if (isPlaced(known)) return { eventId, fate: known.status, reason: '', missing: [] };
  const before = await givenState(plan, stated.stateEventIds);
  const missing = [...before.missing, ...authIds.filter((id) => !nodes.has(id))];
  if (missing.length > 0) return { eventId, fate: 'waiting', reason: '', missing };
  const waiting = await deps.store.waitingFor(head.nid, [eventId]);
  const placement = new ReceivedPlacement(plan, new Resolver(plan), stated.serverNames);
  const { outcome } = await placement.place({
    ...{
      incoming: await asKept(plan, incoming, known),
      known,
      backfill: stated.backfill,
      // Whoever has given us the state for our user's event tells the others of it.
      relayFor: stated.serverNames.includes(domainOf(event.pdu.sender)) ? TOLD_BY_ANOTHER : undefined,
      stateBefore: { nid: before.stateNid },
    },
    prevs: prevIds.flatMap((id) => (isPlaced(nodes.get(id)) ? [nodes.get(id)!] : [])),
    auth: authIds.map((id) => nodes.get(id)!),
    missing: prevIds.filter((id) => !isPlaced(nodes.get(id))),
    isFollowed: waiting.some(({ status }) => status === 'accepted'),
    redactions: await deps.store.redactionsOf(head.nid, head.roomId, [eventId]),
  });
  // What waits has its turn next, and is found by what it waits for.
  for (const { nid, status } of waiting) {
    if (status !== 'waiting' && status !== 'outlier') plan.find({ missingEventId: eventId, eventNid: nid });
  }
  const keptNid = nodes.get(eventId)?.nid;
  if (keptNid !== undefined) for (const id of authIds) plan.find({ missingEventId: id, eventNid: keptNid });
  return outcome;
}

/** A state of events that are known, told as what differs from the current state where there is one. */
async function givenState(plan: RoomPlan, eventIds: readonly string[]) {
  const { head, deps } = plan;
  const nodes = await deps.graph.find(head.nid, eventIds);
  const missing = eventIds.filter((id) => !nodes.has(id) || nodes.get(id)!.status === 'waiting');
  const entries = new Map<number, number>();
  for (const { keyNid, nid, status } of nodes.values()) {
    if (keyNid !== undefined && status !== 'rejected' && status !== 'waiting') entries.set(keyNid, nid);
  }
  const { stateNid } = head;
  const current = stateNid === undefined ? new Map<number, number>() : await deps.states.entries(head.nid, stateNid);
  const delta = new Map([...entries].filter(([keyNid, nid]) => current.get(keyNid) !== nid));
  for (const keyNid of current.keys()) if (!entries.has(keyNid)) delta.set(keyNid, GONE);
  return { missing, stateNid: missing.length > 0 ? 0 : await plan.state(stateNid, delta) };
}
