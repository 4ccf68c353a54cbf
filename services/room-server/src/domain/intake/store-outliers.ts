import { checkAuthEvents, createEventIdOf, type RoomEvent } from '@ganglion/protocol';
import type { EventGraph } from '../graph/event-graph.js';
import type { OutlierRows } from '../ports/outlier-rows.js';
import type { NumberSource } from '../ports/rooms.js';
import type { RoomHead } from '../room-head.js';
import type { Incoming, Outcome } from './examine.js';
import { inOrder } from './in-order.js';

/** An event that is kept without a place in its room. */
export interface Outlier {
  readonly nid: number;
  readonly event: RoomEvent;
  readonly json: string;
  readonly status: 'outlier' | 'rejected';
  readonly keyNid: number | undefined;
  readonly authNids: readonly number[];
}

export interface OutlierDependencies {
  readonly graph: EventGraph;
  readonly rows: OutlierRows;
  readonly numbers: NumberSource;
}

/**
 * Keeps events of a room that have no place in it: those that make up a state, and what authorises them. Each is authorised by
 * its auth events, which have to be known or among them. It may be done twice, or by two at once.
 */
export async function storeOutliers(
  { graph, rows, numbers }: OutlierDependencies,
  head: RoomHead,
  incoming: readonly Incoming[],
): Promise<ReadonlyMap<string, Outcome>> {
  const ids = incoming.flatMap(({ eventId, authIds }) => [eventId, ...authIds]);
  const createId = head.rules.roomIdIsCreateHash ? [createEventIdOf(head.roomId)] : [];
  const known = await graph.find(head.nid, [...new Set([...ids, ...createId])]);
  const bodies = await graph.events(
    head.nid,
    [...known.values()].map(({ nid }) => nid),
  );
  const judged = new Map<string, { nid: number; event: RoomEvent }>();
  for (const node of known.values()) {
    const event = bodies.get(node.nid);
    if (node.status !== 'waiting' && event !== undefined) judged.set(node.eventId, { nid: node.nid, event });
  }
  const outcomes = new Map<string, Outcome>();
  const kept: Omit<Outlier, 'keyNid'>[] = [];
  for (const { eventId, event: received, json, authIds } of inOrder(incoming)) {
    const before = known.get(eventId);
    const event = { ...((before && bodies.get(before.nid)) ?? received), rejected: false };
    if (before !== undefined && before.status !== 'waiting') {
      outcomes.set(eventId, { eventId, fate: before.status, reason: '', missing: [] });
      continue;
    }
    const missing = authIds.filter((id) => !judged.has(id));
    if (missing.length > 0) {
      outcomes.set(eventId, { eventId, fate: 'invalid', reason: 'its auth events are not known', missing });
      continue;
    }
    const auth = authIds.map((id) => judged.get(id)!);
    const create = judged.get(createId[0] ?? '')?.event;
    const decision = checkAuthEvents(
      event,
      auth.map((each) => each.event),
      head.rules,
      { create },
    );
    const status = decision.allowed ? 'outlier' : 'rejected';
    const nid = before?.nid ?? (await numbers.allocate());
    const stored = { ...event, rejected: !decision.allowed };
    kept.push({ nid, event: stored, json, status, authNids: [...new Set(auth.map((each) => each.nid))] });
    judged.set(eventId, { nid, event: stored });
    outcomes.set(eventId, { eventId, fate: status, reason: decision.allowed ? '' : decision.reason, missing: [] });
  }
  await rows.keep(head.nid, await withKeys(rows, head.nid, kept));
  return outcomes;
}

async function withKeys(
  rows: OutlierRows,
  roomNid: number,
  kept: readonly Omit<Outlier, 'keyNid'>[],
): Promise<Outlier[]> {
  const stateful = kept.flatMap(({ event: { pdu } }) =>
    pdu.state_key === undefined ? [] : [{ type: pdu.type, stateKey: pdu.state_key }],
  );
  const nids = stateful.length === 0 ? [] : await rows.keyNids(roomNid, stateful);
  let next = 0;
  return kept.map((outlier) => ({
    ...outlier,
    keyNid: outlier.event.pdu.state_key === undefined ? undefined : nids[next++]!,
  }));
}
