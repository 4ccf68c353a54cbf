import { authEventIds, domainOf, prevEventIds } from '@ganglion/protocol';
import { type GraphNode, isPlaced } from '../graph/event-graph.js';
import { ReceivedPlacement, startsAnew } from '../placement/received-placement.js';
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
  /** Where that state lacks most members: the servers that have users in the room. */
  readonly partialServers?: readonly string[] | undefined;
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
  const isPartial = stated.partialServers !== undefined;
  // What has a state would have to be resolved with one that is no state.
  if (isPartial && head.stateNid !== undefined) return { eventId, fate: 'waiting', reason: '', missing: [] };
  const before = await givenState(plan, stated.stateEventIds);
  const missing = [...before.missing, ...authIds.filter((id) => !nodes.has(id))];
  if (missing.length > 0) return { eventId, fate: 'waiting', reason: '', missing };
  const waiting = await deps.store.waitingFor(head.nid, [eventId]);
  const placement = new ReceivedPlacement(plan, new Resolver(plan), stated.serverNames);
  const isFollowed = waiting.some(({ status }) => status === 'accepted');
  const earlier = head.partialState ? await deps.store.partialRoom(head.nid) : undefined;
  const isWhole = earlier !== undefined && startsAnew({ stateBefore: { nid: 0 }, isFollowed }, head);
  const { node, outcome } = await placement.place({
    ...{
      incoming: await asKept(plan, incoming, known),
      known,
      backfill: stated.backfill,
      partialState: isPartial ? true : isWhole ? false : undefined,
      // Whoever has given us the state for our user's event tells the others of it.
      relayFor: stated.serverNames.includes(domainOf(event.pdu.sender)) ? TOLD_BY_ANOTHER : undefined,
      stateBefore: { nid: before.stateNid },
    },
    prevs: prevIds.flatMap((id) => (isPlaced(nodes.get(id)) ? [nodes.get(id)!] : [])),
    auth: authIds.map((id) => nodes.get(id)!),
    missing: prevIds.filter((id) => !isPlaced(nodes.get(id))),
    isFollowed,
    redactions: await deps.store.redactionsOf(head.nid, head.roomId, [eventId]),
  });
  if (outcome.fate === 'accepted') {
    if (isWhole) plan.endPartialState(earlier);
    if (isPartial) plan.beginPartialState({ joinNid: node.nid, serverNames: stated.partialServers });
  }
  // What waits has its turn next, and is found by what it waits for.
  for (const { nid, status } of waiting) {
    if (status !== 'waiting' && status !== 'outlier') plan.find({ missingEventId: eventId, eventNid: nid });
  }
  const keptNid = nodes.get(eventId)?.nid;
  if (keptNid !== undefined) for (const id of authIds) plan.find({ missingEventId: id, eventNid: keptNid });
  return outcome;
}

/** The entries of a state as another server tells it, and those of its events that are not known. */
export function entriesOf(nodes: ReadonlyMap<string, GraphNode>, eventIds: readonly string[]) {
  const missing = eventIds.filter((id) => !nodes.has(id) || nodes.get(id)!.status === 'waiting');
  const entries = new Map<number, number>();
  for (const { keyNid, nid, status } of nodes.values()) {
    if (keyNid !== undefined && status !== 'rejected' && status !== 'waiting') entries.set(keyNid, nid);
  }
  return { missing, entries };
}

/** A state of events that are known, told as what differs from the current state where there is one. */
async function givenState(plan: RoomPlan, eventIds: readonly string[]) {
  const { head, deps } = plan;
  const { missing, entries } = entriesOf(await deps.graph.find(head.nid, eventIds), eventIds);
  const { stateNid } = head;
  const current = stateNid === undefined ? new Map<number, number>() : await deps.states.entries(head.nid, stateNid);
  const delta = new Map([...entries].filter(([keyNid, nid]) => current.get(keyNid) !== nid));
  for (const keyNid of current.keys()) if (!entries.has(keyNid)) delta.set(keyNid, GONE);
  return { missing, stateNid: missing.length > 0 ? 0 : await plan.state(stateNid, delta) };
}
