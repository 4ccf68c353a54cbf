import { jsonCodec, type Pdu, parsePdu, type RoomVersionRules } from '@ganglion/protocol';
import { type EventStatus, type GraphNode, isPlaced } from '../graph/event-graph.js';
import type { LocalPlacement } from '../placement/local-placement.js';
import { ReceivedPlacement } from '../placement/received-placement.js';
import { nodeOf, type RoomPlan } from '../placement/room-plan.js';
import type { EarlierRedaction, NewEvent, WaitingEvent } from '../ports/rooms.js';
import { type Command, command } from '../room-actor.js';
import { Resolver } from '../state/resolver.js';
import { asKept } from './as-kept.js';
import { type Incoming, incomingOf, type Outcome } from './examine.js';
import { inOrder } from './in-order.js';
import { mergeExtremities } from './merge-extremities.js';

export interface Reception {
  readonly incoming: readonly Incoming[];
  /** They are older than what the room has. */
  readonly backfill: boolean;
  /** The server names that are ours. */
  readonly serverNames: readonly string[];
  /** The server for which we are to send them on to the others. */
  readonly relayFor?: string;
}

/**
 * Takes events of other servers into a room, in whatever order they come, each alone in its fate. What waits for one of
 * them gets its place along with it; what cannot have its place yet waits in the database.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function receivePdus(reception: Reception): Command<ReadonlyMap<string, Outcome>> {
  return command([], async (room: LocalPlacement) => {
    const outcomes = await new Receiver(room.plan, reception).receive();
    await mergeExtremities(room, reception.serverNames);
    return outcomes;
  });
}

/** One reception into one plan. */
class Receiver {
  /** Events with a place or as outliers, by id: of the database, then of the plan. */
  readonly #nodes = new Map<string, GraphNode>();
  readonly #outcomes = new Map<string, Outcome>();
  readonly #placement: ReceivedPlacement;
  #waiting: readonly WaitingEvent[] = [];
  #redactions: readonly EarlierRedaction[] = [];

  constructor(
    private readonly plan: RoomPlan,
    private readonly reception: Reception,
  ) {
    this.#placement = new ReceivedPlacement(plan, new Resolver(plan), reception.serverNames);
  }

  async receive(): Promise<ReadonlyMap<string, Outcome>> {
    let batch = this.reception.incoming;
    while (batch.length > 0) {
      await this.#know(batch);
      const placed: string[] = [];
      for (const incoming of inOrder(batch)) if (await this.#take(incoming)) placed.push(incoming.eventId);
      batch = await this.#released(placed);
    }
    return this.#outcomes;
  }

  /** Looks up all that a batch names or is named by. */
  async #know(batch: readonly Incoming[]): Promise<void> {
    const { head, deps } = this.plan;
    const ids = batch.map(({ eventId }) => eventId);
    const named = batch.flatMap(({ prevIds, authIds }) => [...prevIds, ...authIds]);
    const unknown = [...new Set([...ids, ...named])].filter((id) => !this.#nodes.has(id));
    const [nodes, waiting, redactions] = await Promise.all([
      deps.graph.find(head.nid, unknown),
      deps.store.waitingFor(head.nid, ids),
      deps.store.redactionsOf(head.nid, head.roomId, ids),
    ]);
    for (const [id, node] of nodes) this.#nodes.set(id, node);
    this.#waiting = waiting;
    this.#redactions = redactions;
  }

  /** Whether the event has got its place just now. */
  async #take(received: Incoming): Promise<boolean> {
    const { eventId } = received;
    const known = this.#nodes.get(eventId);
    const isOutlier = known?.status === 'outlier';
    if (isPlaced(known)) {
      if (!this.#outcomes.has(eventId)) this.#settle({ eventId, fate: known.status, reason: '', missing: [] });
      return false;
    }
    const incoming = await asKept(this.plan, received, known);
    // The beginning of a room that we came to later has its place among what is backfilled, and none among what is new.
    if (isOutlier && incoming.prevIds.length === 0 && !this.reception.backfill) {
      this.#settle({ eventId, fate: 'outlier', reason: '', missing: [] });
      return false;
    }
    const missing = this.#missing(incoming);
    if (missing.length > 0) {
      await this.#wait(incoming, known, missing);
      return false;
    }
    await this.#place(incoming, known);
    return true;
  }

  /** Predecessors without a place, and auth events that are not known or not judged. */
  #missing({ prevIds, authIds }: Incoming): string[] {
    const prevs = prevIds.filter((id) => !isPlaced(this.#nodes.get(id)));
    const isJudged = (id: string) => (this.#nodes.get(id)?.status ?? 'waiting') !== 'waiting';
    return [...new Set([...prevs, ...authIds.filter((id) => !isJudged(id))])];
  }

  async #place(incoming: Incoming, known: GraphNode | undefined): Promise<void> {
    const { eventId, prevIds, authIds } = incoming;
    const waiting = this.#waiting.filter(({ missingEventId }) => missingEventId === eventId);
    const { node, outcome } = await this.#placement.place({
      ...{ incoming, known, prevs: this.#known(prevIds), auth: this.#known(authIds), missing: [] },
      isFollowed: waiting.some(({ status }) => status === 'accepted'),
      ...{ backfill: this.reception.backfill, redactions: this.#allRedactions(), relayFor: this.reception.relayFor },
    });
    this.#nodes.set(eventId, node);
    this.#settle(outcome);
    for (const { nid, status } of waiting) {
      // What waits for history has its turn after that, and is found by what it waits for.
      if (!this.reception.backfill || !mayWait(status)) this.plan.find({ missingEventId: eventId, eventNid: nid });
    }
    if (known === undefined) return;
    for (const id of [...prevIds, ...authIds]) this.plan.find({ missingEventId: id, eventNid: node.nid });
  }

  /** Keeps an event that cannot have its place yet. */
  async #wait(incoming: Incoming, known: GraphNode | undefined, missing: readonly string[]): Promise<void> {
    const { eventId, event, json, prevIds } = incoming;
    this.#settle({ eventId, fate: 'waiting', reason: '', missing });
    // Whoever fetches history brings what comes before it, and brings it again. Nothing that waits is told as new by that.
    if (this.reception.backfill) return;
    if (known?.status === 'waiting' || known?.status === 'rejected') return;
    // What was judged by its auth events stays judged while it waits: others are authorised by it.
    const status = known === undefined ? 'waiting' : 'outlier';
    const { type, state_key: stateKey } = event.pdu;
    const added: NewEvent = {
      nid: known?.nid ?? (await this.plan.deps.numbers.allocate()),
      ...{ event, json, status, isKnown: known !== undefined, roomSeq: undefined },
      keyNid: stateKey === undefined ? undefined : await this.plan.keyNid(type, stateKey),
      ...{ prevNids: this.#known(prevIds).map(({ nid }) => nid), authNids: known?.authNids ?? [] },
      ...{ stateBeforeNid: undefined, stateAfterNid: undefined, visibility: 'shared', previousVisibility: undefined },
      ...{ stateChanges: [], jump: undefined, localMemberships: [], missing, transaction: undefined },
      ...{ redactsEventId: undefined, redactedNid: undefined, redactedBy: undefined, strippedState: undefined },
      tracePoint: undefined,
    };
    this.plan.add(added);
    this.#nodes.set(eventId, nodeOf(added));
  }

  /** What waited for these and may have its place now. What waits for history is new, and has its turn after that. */
  async #released(placed: readonly string[]): Promise<Incoming[]> {
    if (this.reception.backfill) return [];
    const ids = new Set(placed);
    const stored = this.#waiting.filter(({ missingEventId, status }) => mayWait(status) && ids.has(missingEventId));
    const released = new Map(stored.map((waiting) => [waiting.eventId, storedIncoming(waiting, this.plan)]));
    // Those that began to wait in this plan.
    for (const { event, json, status, missing } of this.plan.events) {
      if (mayWait(status) && missing.some((id) => ids.has(id))) {
        released.set(event.eventId, incomingOf(event.eventId, event.roomId, event.pdu, json));
      }
    }
    return [...released.values()].filter(({ eventId }) => !isPlaced(this.#nodes.get(eventId)));
  }

  #known(ids: readonly string[]): GraphNode[] {
    return ids.flatMap((id) => this.#nodes.get(id) ?? []);
  }

  #allRedactions(): EarlierRedaction[] {
    const planned = this.plan.events.flatMap(({ nid, event, json, redactsEventId, stateBeforeNid, status }) =>
      redactsEventId === undefined || status !== 'accepted'
        ? []
        : [{ nid, event, json, redactsEventId, stateBeforeNid }],
    );
    return [...this.#redactions, ...planned];
  }

  #settle(outcome: Outcome): void {
    this.#outcomes.set(outcome.eventId, outcome);
  }
}

function mayWait(status: EventStatus): boolean {
  return status === 'waiting' || status === 'outlier';
}

/** An event that was examined when it was stored. */
function storedIncoming({ eventId, json }: WaitingEvent, { head }: RoomPlan): Incoming {
  return { ...incomingOf(eventId, head.roomId, parseStored(json, head.rules), json), isKept: true };
}

function parseStored(json: string, rules: RoomVersionRules): Pdu {
  // It was held to all limits that there are for how it came.
  return parsePdu(jsonCodec(json, rules).parse(json), rules, { manyReferences: true });
}
