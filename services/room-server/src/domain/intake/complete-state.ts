import {
  checkAuth,
  isValidUserId,
  type Pdu,
  parseHistoryVisibility,
  prevEventIds,
  type RoomEvent,
} from '@ganglion/protocol';
import { type GraphNode, isPlaced } from '../graph/event-graph.js';
import { moveHead } from '../placement/current-state.js';
import { extremityOf } from '../placement/local-placement.js';
import { authorisingKeys } from '../placement/received-placement.js';
import type { RoomPlan } from '../placement/room-plan.js';
import { viewState } from '../placement/state-view.js';
import type { NewEvent, StateJump } from '../ports/rooms.js';
import { type Command, command } from '../room-actor.js';
import type { Extremity } from '../room-head.js';
import { Resolver } from '../state/resolver.js';
import { type Outcome, textOf } from './examine.js';
import { entriesOf } from './place-with-state.js';

export interface WholeState {
  /** The event that the room was joined with. */
  readonly eventId: string;
  /** The events of the state before it, as another server says. */
  readonly stateEventIds: readonly string[];
}

/** So many are looked at for one that is of a member. */
const MOST_CARRIERS = 100;
const NOTHING = { redactsEventId: undefined, redactedNid: undefined, redactedBy: undefined, strippedState: undefined };

/**
 * Gives a room that was joined without most of its members its whole state: the events that have come since are judged by it,
 * and have their states on it. Undefined when there is nothing to do, as the room is whole or was joined anew.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export function completeState(told: WholeState): Command<Outcome | undefined> {
  return Object.assign(
    command([], ({ plan }) => complete(plan, told)),
    { isAlone: true },
  );
}

async function complete(plan: RoomPlan, { eventId, stateEventIds }: WholeState): Promise<Outcome | undefined> {
  const { head, deps } = plan;
  const partial = head.partialState ? await deps.store.partialRoom(head.nid) : undefined;
  const nodes = await deps.graph.find(head.nid, [eventId, ...stateEventIds]);
  const join = nodes.get(eventId);
  if (partial === undefined || join === undefined || join.nid !== partial.joinNid) return undefined;
  nodes.delete(eventId);
  const { missing, entries } = entriesOf(nodes, stateEventIds);
  if (missing.length > 0) return { eventId, fate: 'waiting', reason: '', missing };
  // Whoever tells who is in the room must not tell another room.
  const known = await deps.states.entries(head.nid, join.stateBeforeNid!);
  for (const [keyNid, nid] of known) {
    if (entries.get(keyNid) === nid) continue;
    return { eventId, fate: 'invalid', reason: 'it is not the state that the room was joined with', missing: [] };
  }
  const fromStateNid = head.stateNid;
  const restating = new Restating(plan);
  await restating.restate(join, await plan.state(undefined, entries));
  const ends = await restating.ends();
  const toStateNid = await restating.resolver.resolve(ends.map(({ stateNid }) => stateNid));
  await moveHead(plan, ends, toStateNid, { isAnew: true, isJump: true });
  plan.endPartialState(partial);
  await carry(plan, [...nodes.values()], { fromStateNid, toStateNid });
  return { eventId, fate: join.status, reason: '', missing: [] };
}

/** The events that were placed on partial state, and what they come to. */
class Restating {
  readonly resolver: Resolver;
  readonly #restated = new Map<number, { readonly node: GraphNode; readonly event: RoomEvent }>();

  /** After what was restated last. */
  #last: number | undefined;

  constructor(private readonly plan: RoomPlan) {
    this.resolver = new Resolver(plan);
  }

  async restate(join: GraphNode, stateNid: number): Promise<void> {
    const { head, deps } = this.plan;
    const nids = await deps.store.placedEvents(head.nid);
    const [nodes, events] = await Promise.all([deps.graph.stored(head.nid, nids), deps.graph.events(head.nid, nids)]);
    for (const node of inOrder(nodes)) {
      const event = events.get(node.nid)!;
      const before = node.nid === join.nid ? stateNid : await this.#stateBefore(node, event);
      const isAllowed = node.nid === join.nid || node.status !== 'accepted' || (await this.#allows(before, event));
      const status = isAllowed ? node.status : 'rejected';
      const { keyNid, nid } = node;
      const isPart = status !== 'rejected' && keyNid !== undefined;
      const after = isPart ? await this.plan.state(before, new Map([[keyNid, nid]])) : before;
      const restated = { ...node, status, stateBeforeNid: before, stateAfterNid: after };
      this.#restated.set(nid, { node: restated, event });
      this.#last = after;
      this.plan.restate(restated, { ...event, rejected: status === 'rejected' });
    }
  }

  /** The forward extremities: where one is refused by now, what was accepted before it. */
  async ends(): Promise<Extremity[]> {
    const { head, deps } = this.plan;
    const ends = new Map<number, Extremity>();
    const seen = new Set<number>();
    for (let level = head.extremities.map(({ nid }) => nid); level.length > 0; ) {
      const further = new Set<number>();
      const others = await deps.graph.nodes(head.nid, level);
      for (const nid of level) {
        seen.add(nid);
        const { node, event } = this.#restated.get(nid) ?? { node: others.get(nid), event: undefined };
        if (node?.status === 'accepted' && isPlaced(node)) {
          const known = event ?? (await deps.graph.events(head.nid, [nid])).get(nid)!;
          ends.set(nid, extremityOf(nid, known, node.stateAfterNid!, head));
        } else for (const prev of node?.prevNids ?? []) if (!seen.has(prev)) further.add(prev);
      }
      level = [...further];
    }
    return [...ends.values()];
  }

  /** One that came with its state has the whole of it. */
  async #stateBefore(node: GraphNode, { pdu }: RoomEvent): Promise<number | undefined> {
    const { head, deps } = this.plan;
    const { prevNids } = node;
    if (prevNids.length === 0 || prevNids.length < new Set(prevEventIds(pdu)).size) return node.stateBeforeNid;
    const others = await deps.graph.nodes(
      head.nid,
      prevNids.filter((nid) => !this.#restated.has(nid)),
    );
    const prevs = prevNids.map((nid) => this.#restated.get(nid)?.node ?? others.get(nid));
    const after = prevs.flatMap((prev) => prev?.stateAfterNid ?? []);
    // What it follows was purged: the state of all that came is the nearest to it.
    return after.length > 0 ? this.resolver.resolve(after) : this.#last;
  }

  async #allows(before: number | undefined, event: RoomEvent): Promise<boolean> {
    const { head } = this.plan;
    const keys = [...authorisingKeys(event, head), { type: 'm.room.create', stateKey: '' }];
    const view = await viewState(this.plan, before, keys);
    return checkAuth(event, view.events, head.rules).allowed;
  }
}

/** Each after those of them that it follows. */
function inOrder(nodes: ReadonlyMap<number, GraphNode>): GraphNode[] {
  const ordered: GraphNode[] = [];
  const seen = new Set<number>();
  for (const start of nodes.values()) {
    const stack = [start];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const before = seen.has(top.nid)
        ? []
        : top.prevNids.flatMap((nid) => (seen.has(nid) ? [] : (nodes.get(nid) ?? [])));
      if (before.length > 0) {
        stack.push(...before);
        continue;
      }
      stack.pop();
      if (!seen.has(top.nid)) ordered.push(top);
      seen.add(top.nid);
    }
  }
  return ordered;
}

/** Tells of the change with an event of the state that has no place: the log tells everything with some event. */
async function carry(plan: RoomPlan, state: readonly GraphNode[], jump: StateJump): Promise<void> {
  const { head, deps } = plan;
  const candidates = state.filter(({ status, roomSeq }) => status === 'outlier' && roomSeq === undefined);
  const last = candidates.slice(-MOST_CARRIERS);
  const bodies = await deps.graph.events(
    head.nid,
    [...last, ...candidates.slice(0, 1)].map(({ nid }) => nid),
  );
  // Whoever reads history to its beginning looks for m.room.create there.
  const isMember = (pdu: Pdu | undefined) => pdu?.type === 'm.room.member' && isValidUserId(pdu.state_key);
  const carrier = last.find(({ nid }) => isMember(bodies.get(nid)?.pdu)) ?? candidates[0];
  if (carrier === undefined) throw new Error(`no event of the state of ${head.roomId} is without a place`);
  const event = bodies.get(carrier.nid)!;
  head.roomSeq += 1;
  const added: NewEvent = {
    ...{ nid: carrier.nid, event, json: textOf(event.pdu), status: 'outlier', isKnown: true, roomSeq: head.roomSeq },
    ...{ keyNid: carrier.keyNid, prevNids: carrier.prevNids, authNids: carrier.authNids },
    ...{ stateBeforeNid: undefined, stateAfterNid: undefined, visibility: parseHistoryVisibility(undefined) },
    ...{ previousVisibility: undefined, stateChanges: [], jump, localMemberships: [], missing: [] },
    ...{ transaction: undefined, tracePoint: undefined, partialState: false },
    ...NOTHING,
  };
  plan.add(added);
}
