import {
  type AuthState,
  authTypesForEvent,
  checkAuth,
  checkAuthEvents,
  parseHistoryVisibility,
  type RoomEvent,
  redactedEventId,
  redactionApplies,
} from '@ganglion/protocol';
import type { EventStatus, GraphNode } from '../graph/event-graph.js';
import type { Incoming, Outcome } from '../intake/examine.js';
import { mayBeShown } from '../policy/policy-check.js';
import type { EarlierRedaction, NewEvent, StateKey } from '../ports/rooms.js';
import type { RoomHead } from '../room-head.js';
import type { Resolved, Resolver } from '../state/resolver.js';
import { type HeadMove, moveHead } from './current-state.js';
import { localMembershipsAt } from './local-memberships.js';
import { extremityOf } from './local-placement.js';
import type { RoomPlan } from './room-plan.js';
import { orByAuthEvents, type StateView, viewResolved, viewState } from './state-view.js';

const CREATE: StateKey = { type: 'm.room.create', stateKey: '' };
const VISIBILITY: StateKey = { type: 'm.room.history_visibility', stateKey: '' };
const POWER_LEVELS: StateKey = { type: 'm.room.power_levels', stateKey: '' };
const STAYS: HeadMove = { changes: [], jump: undefined };

/** A received event, all of whose predecessors have their places, or that comes with the state before it. */
export interface Placeable {
  readonly incoming: Incoming;
  /** As an outlier, when it is kept as one. */
  readonly known: GraphNode | undefined;
  readonly prevs: readonly GraphNode[];
  readonly auth: readonly GraphNode[];
  /** When it is not to be resolved from its predecessors. */
  readonly stateBefore?: { readonly nid: number } | undefined;
  /** Predecessors that have no place. */
  readonly missing: readonly string[];
  /** Whether an accepted event follows it already. */
  readonly isFollowed: boolean;
  readonly backfill: boolean;
  readonly redactions: readonly EarlierRedaction[];
  /** The server for which we are to send it on to the others. */
  readonly relayFor?: string | undefined;
  /** Set where the state before it lacks most members, and unset where it begins the room anew with all of them. */
  readonly partialState?: boolean | undefined;
}

type StartingEvent = Pick<Placeable, 'stateBefore' | 'isFollowed'>;

interface Verdict {
  readonly status: EventStatus;
  readonly reason: string;
}

/**
 * Places events of other servers where they say that they belong: authorised by their auth events, by the state before
 * them, and, before clients see them, by the current state.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export class ReceivedPlacement {
  constructor(
    private readonly plan: RoomPlan,
    private readonly resolver: Resolver,
    private readonly serverNames: readonly string[],
  ) {}

  async place(placeable: Placeable): Promise<{ node: GraphNode; outcome: Outcome }> {
    const { plan } = this;
    const { incoming, known, prevs } = placeable;
    const { event } = incoming;
    const before = await this.#stateBefore(placeable);
    const view = await viewState(plan, before, this.#lookedAt(event));
    const verdict = await this.#judge(placeable, before, view);
    const isState = event.pdu.state_key !== undefined;
    const keyNid = isState ? await plan.keyNid(event.pdu.type, event.pdu.state_key!) : undefined;
    const nid = known?.nid ?? (await plan.deps.numbers.allocate());
    const isPart = verdict.status !== 'rejected';
    const after = isPart && keyNid !== undefined ? await plan.state(before, new Map([[keyNid, nid]])) : before;
    const node: GraphNode = {
      ...{ nid, eventId: event.eventId, status: verdict.status, keyNid, depth: event.pdu.depth },
      ...{ prevNids: prevs.map((prev) => prev.nid), authNids: [...new Set(placeable.auth.map((auth) => auth.nid))] },
      ...{ stateBeforeNid: before, stateAfterNid: after, roomSeq: undefined },
    };
    const previousVisibility = visibilityIn(view);
    const visibility = isPart && isVisibility(event) ? parseHistoryVisibility(event.pdu.content) : previousVisibility;
    const isLive = verdict.status === 'accepted' && !placeable.backfill;
    // The head looks the event up: it has to be known before the head moves.
    plan.deps.graph.plan(node, { ...event, rejected: !isPart });
    plan.announce(nid, event);
    const move = isLive ? await this.#moveHead(placeable, node) : STAYS;
    const roomSeq = known?.roomSeq ?? this.#nextSeq(verdict.status, placeable.backfill);
    const added: NewEvent = {
      ...{ nid, event: { ...event, rejected: !isPart }, json: incoming.json, status: verdict.status },
      ...{ isKnown: known !== undefined, roomSeq, keyNid, prevNids: node.prevNids, authNids: node.authNids },
      ...{ stateBeforeNid: before, stateAfterNid: after, visibility },
      previousVisibility: visibility === previousVisibility ? undefined : previousVisibility,
      ...{ stateChanges: move.changes, jump: move.jump },
      localMemberships: await localMembershipsAt(plan, this.serverNames, {
        roomSeq,
        after,
        visibility,
        previousVisibility,
      }),
      ...{ missing: placeable.missing, transaction: undefined, strippedState: undefined, tracePoint: undefined },
      ...{ relayFor: placeable.relayFor, partialState: placeable.partialState },
      ...(await this.#redaction(event, view, verdict.status)),
      redactedBy: isPart ? await this.#redactedBy(event, placeable.redactions) : undefined,
    };
    plan.add(added);
    const { reason } = verdict;
    return { node, outcome: { eventId: event.eventId, fate: fateOf(verdict.status), reason, missing: [] } };
  }

  async #stateBefore({ stateBefore, prevs }: Placeable): Promise<number | undefined> {
    if (stateBefore !== undefined) return stateBefore.nid;
    const after = prevs.flatMap(({ stateAfterNid }) => stateAfterNid ?? []);
    return after.length === 0 ? undefined : this.resolver.resolve(after);
  }

  #lookedAt(event: RoomEvent): StateKey[] {
    return [...authorisingKeys(event, this.plan.head), CREATE, VISIBILITY, POWER_LEVELS];
  }

  async #judge(placeable: Placeable, before: number | undefined, view: StateView): Promise<Verdict> {
    const { head, deps } = this.plan;
    const { event, prevIds } = placeable.incoming;
    const isCreate = event.pdu.type === 'm.room.create';
    if (!isCreate && prevIds.length === 0) return rejected('it follows nothing and is not m.room.create');
    if (isCreate && head.roomSeq > 0 && !(await this.#isCreateOfRoom(event))) {
      return rejected('the room has another m.room.create');
    }
    const bodies = await deps.graph.events(
      head.nid,
      placeable.auth.map(({ nid }) => nid),
    );
    const authEvents = placeable.auth.map(({ nid }) => bodies.get(nid)!);
    const create = view.events('m.room.create', '');
    const byAuthEvents = checkAuthEvents(event, authEvents, head.rules, { create });
    if (!byAuthEvents.allowed) return rejected(byAuthEvents.reason);
    const known = (events: AuthState) => (head.partialState ? orByAuthEvents(events, authEvents) : events);
    const byState = checkAuth(event, known(view.events), head.rules);
    if (!byState.allowed) return rejected(byState.reason);
    if (placeable.backfill || head.stateNid === undefined || startsAnew(placeable, head)) return ACCEPTED;
    if (!(await mayBeShown(this.plan, event))) return NOT_RECOMMENDED;
    if (head.stateNid === before) return ACCEPTED;
    const current = await viewState(this.plan, head.stateNid, this.#lookedAt(event));
    if (checkAuth(event, known(current.events), head.rules).allowed) return ACCEPTED;
    const now = await viewResolved(this.plan, await this.#stateNow(before), this.#lookedAt(event));
    const byCurrent = checkAuth(event, known(now.events), head.rules);
    return byCurrent.allowed ? ACCEPTED : { status: 'soft-failed', reason: byCurrent.reason };
  }

  /**
   * What the room comes to when the state before an event counts, too: who joined in what we have missed is in the room, and whoever
   * was banned meanwhile stays out.
   */
  #stateNow(before: number | undefined): Promise<Resolved> {
    const states = this.plan.head.extremities.map(({ stateNid }) => stateNid);
    return this.resolver.peek([...states, ...(before === undefined ? [] : [before])]);
  }

  /** We may be in a room for long before its beginning reaches us. */
  async #isCreateOfRoom({ eventId }: RoomEvent): Promise<boolean> {
    const now = await viewState(this.plan, this.plan.head.stateNid, [CREATE]);
    return now.events(CREATE.type, CREATE.stateKey)?.eventId === eventId;
  }

  #nextSeq(status: EventStatus, backfill: boolean): number | undefined {
    const { head } = this.plan;
    if (status !== 'accepted') return undefined;
    if (backfill) {
      head.backSeq -= 1;
      return head.backSeq;
    }
    head.roomSeq += 1;
    return head.roomSeq;
  }

  async #moveHead(placeable: Placeable, node: GraphNode): Promise<HeadMove> {
    const { head } = this.plan;
    const { incoming, prevs, isFollowed, partialState: isPartial = false } = placeable;
    if (startsAnew(placeable, head)) {
      const end = extremityOf(node.nid, incoming.event, node.stateAfterNid!, head);
      return moveHead(this.plan, [end], node.stateAfterNid, { isAnew: true, isPartial });
    }
    const covered = await this.#covered(prevs);
    const kept = head.extremities.filter(({ nid }) => !covered.has(nid));
    const own = isFollowed ? [] : [extremityOf(node.nid, incoming.event, node.stateAfterNid!, head)];
    const extremities = [...kept, ...own];
    if (extremities.length === 0) return STAYS;
    const stateNid = await this.resolver.resolve(extremities.map((extremity) => extremity.stateNid));
    return moveHead(this.plan, extremities, stateNid);
  }

  /** The accepted events that one follows, be it by way of others that are not. */
  async #covered(prevs: readonly GraphNode[]): Promise<Set<number>> {
    const covered = new Set<number>();
    const seen = new Set<number>();
    let level = prevs;
    while (level.length > 0) {
      const further = new Set<number>();
      for (const { nid, status, prevNids } of level) {
        seen.add(nid);
        if (status === 'accepted') covered.add(nid);
        else for (const prev of prevNids) if (!seen.has(prev)) further.add(prev);
      }
      level = [...(await this.plan.deps.graph.nodes(this.plan.head.nid, further)).values()];
    }
    return covered;
  }

  /**
   * The event that a redaction names, and its number when it is there. Where the redaction takes no effect on it, it is no
   * redaction of anything: nobody may be told that it is.
   */
  async #redaction(event: RoomEvent, view: StateView, status: EventStatus) {
    const { head, deps } = this.plan;
    const redactsEventId = redactedEventId(event.pdu, head.rules);
    if (redactsEventId === undefined || redactsEventId.includes('\0')) return NO_REDACTION;
    if (status !== 'accepted') return { redactsEventId, redactedNid: undefined };
    const planned = this.plan.events.find((added) => added.event.eventId === redactsEventId);
    const nid = planned?.nid ?? (await deps.graph.find(head.nid, [redactsEventId])).get(redactsEventId)?.nid;
    if (nid === undefined) return { redactsEventId, redactedNid: undefined };
    const target = (await deps.graph.events(head.nid, [nid])).get(nid);
    const applies = target !== undefined && redactionApplies(event, target, view.events, head.rules);
    if (!applies) return NO_REDACTION;
    this.plan.markRedacted(target);
    return { redactsEventId, redactedNid: nid };
  }

  /** The first redaction that came before this event and takes effect on it. */
  async #redactedBy(event: RoomEvent, redactions: readonly EarlierRedaction[]): Promise<NewEvent['redactedBy']> {
    const { head } = this.plan;
    for (const { nid, event: redaction, json, redactsEventId, stateBeforeNid } of redactions) {
      if (redactsEventId !== event.eventId) continue;
      const view = await viewState(this.plan, stateBeforeNid, [POWER_LEVELS, CREATE]);
      if (redactionApplies(redaction, event, view.events, head.rules)) return { nid, eventId: redaction.eventId, json };
    }
    return undefined;
  }
}

/** While we were not in the room it went on without us: what we knew as its end says nothing any more. */
export function startsAnew({ stateBefore, isFollowed }: StartingEvent, head: RoomHead): boolean {
  return stateBefore !== undefined && !head.participating && !isFollowed;
}

/** The keys of the state that may authorise an event. */
export function authorisingKeys({ pdu }: RoomEvent, { rules }: RoomHead): StateKey[] {
  return authTypesForEvent(pdu, rules).map(([type, stateKey]) => ({ type, stateKey }));
}

const ACCEPTED: Verdict = { status: 'accepted', reason: '' };
const NOT_RECOMMENDED: Verdict = { status: 'soft-failed', reason: "the room's policy server does not recommend it" };
const NO_REDACTION = { redactsEventId: undefined, redactedNid: undefined };

function rejected(reason: string): Verdict {
  return { status: 'rejected', reason };
}

function fateOf(status: EventStatus): Outcome['fate'] {
  return status;
}

function isVisibility({ pdu }: RoomEvent): boolean {
  return pdu.type === VISIBILITY.type && pdu.state_key === '';
}

function visibilityIn(view: StateView): string {
  return parseHistoryVisibility(view.events(VISIBILITY.type, '')?.pdu.content);
}
