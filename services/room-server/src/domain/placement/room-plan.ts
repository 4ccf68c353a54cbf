import { type RoomEvent, type StateTuple, stateTuple } from '@ganglion/protocol';
import type { EventGraph, GraphNode } from '../graph/event-graph.js';
import type { PolicyAsker } from '../ports/policy-asker.js';
import type {
  EventSummary,
  FoundEdge,
  NewEvent,
  NewKey,
  NumberSource,
  PartialRoom,
  RestatedEvent,
  RoomCommit,
  RoomStore,
  StateChange,
  StateKey,
  Transaction,
} from '../ports/rooms.js';
import type { Extremity, RoomHead, StateEntry } from '../room-head.js';
import { GONE, type NewState, type StateDelta } from '../state/state-node.js';
import type { States } from '../state/states.js';

export interface PlanDependencies {
  readonly store: RoomStore;
  readonly states: States;
  readonly graph: EventGraph;
  readonly numbers: NumberSource;
  /** Where no other servers are talked to, there is nobody who could ask. */
  readonly policy?: PolicyAsker | undefined;
}

const MEMBER = 'm.room.member';

/**
 * What one commit will do to one room, gathered event by event on a draft of its head. Whatever was planned is remembered
 * by the caches until the plan is settled, so that later events find what earlier ones of the same plan brought.
 */
export class RoomPlan {
  readonly head: RoomHead;
  readonly #events: NewEvent[] = [];
  readonly #states: NewState[] = [];
  readonly #keys: NewKey[] = [];
  readonly #currentState = new Map<number, StateChange>();
  readonly #hosts = new Map<string, number>();
  readonly #found: FoundEdge[] = [];
  readonly #restated: RestatedEvent[] = [];
  #partial: PartialRoom | 'ended' | undefined;
  readonly #announced = new Map<number, EventSummary>();
  readonly #absent = new Set<StateTuple>();
  /** Members whom this plan has changed without having their events at hand. */
  readonly #changedUnseen = new Map<StateTuple, StateChange>();
  #changes = 0;

  constructor(
    readonly base: RoomHead,
    readonly deps: PlanDependencies,
    /** Transactions of this plan that turned out to be known. */
    readonly knownTransactions: ReadonlySet<Transaction> = new Set(),
  ) {
    this.head = base.draft();
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.#found.length === 0;
  }

  /** How often something was added. */
  get changes(): number {
    return this.#changes;
  }

  get events(): readonly NewEvent[] {
    return this.#events;
  }

  /** The event that a transaction has added to this plan, when the same request came twice at once. */
  sentIn(transaction: Transaction): NewEvent | undefined {
    return this.#events.find((added) => added.transaction !== undefined && isSame(added.transaction, transaction));
  }

  /** Makes sure that the head knows these keys: as the plan has them by now, or else as the room has them. */
  async load(keys: readonly StateKey[]): Promise<void> {
    const { head, deps } = this;
    const changed = keys.flatMap(({ type, stateKey }) => {
      return head.knows(type, stateKey) ? [] : (this.#changedUnseen.get(stateTuple(type, stateKey)) ?? []);
    });
    if (changed.length > 0) await this.#recall(changed);
    await deps.store.load(head, keys);
  }

  async #recall(changed: readonly StateChange[]): Promise<void> {
    const { head, deps } = this;
    const nids = changed.map(({ eventNid }) => eventNid);
    const [summaries, events] = await Promise.all([this.summaries(nids), deps.graph.events(head.nid, nids)]);
    const redacted = new Set(this.#events.map(({ redactedNid }) => redactedNid));
    for (const { type, stateKey, keyNid, eventNid: nid } of changed) {
      const summary = summaries.get(nid)!;
      const isRedacted = summary.redacted || redacted.has(nid);
      head.set(type, stateKey, { keyNid, entry: { nid, ...summary, redacted: isRedacted, event: events.get(nid)! } });
    }
  }

  /** The number of a pair of type and state key in this room: the one it has, or a new one. */
  async keyNid(type: string, stateKey: string): Promise<number> {
    const { head, deps } = this;
    await this.load([{ type, stateKey }]);
    const known = head.keyNid(type, stateKey);
    if (known !== undefined) return known;
    const keyNid = await deps.numbers.allocate();
    head.set(type, stateKey, { keyNid, entry: undefined });
    this.#keys.push({ type, stateKey, keyNid });
    return keyNid;
  }

  /**
   * Makes sure that the head knows the numbers of these keys, where they have any. Outliers bring keys to a room without
   * counting as a commit, so what a head does not know may be there all the same.
   */
  async learnKeys(keys: readonly StateKey[]): Promise<void> {
    const { head, deps } = this;
    await this.load(keys);
    const unknown = keys.filter(({ type, stateKey }) => {
      return head.keyNid(type, stateKey) === undefined && !this.#absent.has(stateTuple(type, stateKey));
    });
    if (unknown.length === 0) return;
    for (const { type, stateKey } of unknown) this.#absent.add(stateTuple(type, stateKey));
    for (const { type, stateKey, keyNid } of await deps.store.findKeys(head.nid, unknown)) {
      head.root.set(type, stateKey, { keyNid, entry: undefined });
    }
  }

  /** The pairs behind numbers of keys, those of this plan included. */
  async keyNames(keyNids: readonly number[]): Promise<ReadonlyMap<number, StateKey>> {
    const names = new Map<number, StateKey>();
    for (const key of this.#keys) if (keyNids.includes(key.keyNid)) names.set(key.keyNid, key);
    const others = keyNids.filter((keyNid) => !names.has(keyNid));
    if (others.length === 0) return names;
    for (const [keyNid, key] of await this.deps.store.keyNames(this.head.nid, others)) names.set(keyNid, key);
    return names;
  }

  /** A state that differs from another one; the number of that one when it does not. */
  async state(previousNid: number | undefined, delta: StateDelta): Promise<number> {
    if (delta.size === 0 && previousNid !== undefined) return previousNid;
    const nid = await this.deps.numbers.allocate();
    const state = await this.deps.states.next(this.head.nid, nid, previousNid, delta);
    this.deps.states.plan(state);
    this.#states.push(state);
    return nid;
  }

  /** Says what there is to know of an event that is about to be added: the current state may have it by then. */
  announce(nid: number, event: RoomEvent): void {
    this.#announced.set(nid, summaryOf(event));
  }

  /** Adds an event, or what has become of one that is to wait. What later events may refer to is remembered. */
  add(event: NewEvent): void {
    this.#changes += 1;
    const earlier = this.#events.findIndex(({ nid }) => nid === event.nid);
    const added = earlier < 0 ? event : { ...event, isKnown: this.#events[earlier]!.isKnown };
    if (earlier >= 0) this.#events.splice(earlier, 1);
    this.announce(added.nid, added.event);
    this.#events.push(added);
    this.head.version = this.base.version + 1;
    this.deps.graph.plan(nodeOf(added), added.event);
  }

  /** An event that was missing has its place now. */
  find(edge: FoundEdge): void {
    this.#changes += 1;
    this.#found.push(edge);
    this.head.version = this.base.version + 1;
  }

  /** From now on the room is one whose members are not all known. Its servers count as such with a user each. */
  beginPartialState(partial: PartialRoom): void {
    this.head.partialState = true;
    this.#partial = partial;
    for (const server of partial.serverNames) this.#count(server, 1);
  }

  /** The servers of the room are those of its members from now on. */
  endPartialState({ serverNames }: PartialRoom): void {
    this.head.partialState = false;
    this.#partial = 'ended';
    for (const server of serverNames) this.#count(server, -1);
  }

  /** An event that has its place has other states before and after it from now on. */
  restate(node: GraphNode, event: RoomEvent): void {
    const { nid, status, stateBeforeNid, stateAfterNid } = node;
    this.#changes += 1;
    this.#restated.push({ nid, status, stateBeforeNid, stateAfterNid });
    this.deps.graph.plan(node, event);
  }

  /** The change in how many users of each server are joined, so far. */
  get hosts(): ReadonlyMap<string, number> {
    return this.#changedHosts();
  }

  /** The forward extremities and the current state from now on. */
  move(extremities: readonly Extremity[], stateNid: number | undefined, stateIsOwn: boolean): void {
    this.head.extremities = extremities;
    this.head.stateNid = stateNid;
    this.head.stateIsOwn = stateIsOwn;
  }

  /**
   * Sets what the current state has for a key. An entry that is there but not at hand is a member's, who will be loaded
   * when needed.
   */
  setCurrent(change: StateChange, entry: StateEntry | undefined, membershipBefore: string | undefined): void {
    const { type, stateKey, keyNid, membership, eventNid } = change;
    if (type === MEMBER) this.#countHost(stateKey, membershipBefore, membership);
    if (entry !== undefined || eventNid === GONE) this.head.set(type, stateKey, { keyNid, entry });
    else {
      this.head.forget(type, stateKey);
      this.#changedUnseen.set(stateTuple(type, stateKey), change);
    }
    this.#currentState.set(keyNid, change);
  }

  /** What there is to know of events without their bodies, those of this plan included. */
  async summaries(nids: readonly number[]): Promise<ReadonlyMap<number, EventSummary>> {
    const found = new Map(this.#announced);
    const others = nids.filter((nid) => nid !== GONE && !found.has(nid));
    if (others.length === 0) return found;
    for (const [nid, summary] of await this.deps.store.summaries(this.head.nid, others)) found.set(nid, summary);
    return found;
  }

  /** An entry of the current state whose event was redacted. */
  markRedacted({ eventId, pdu }: RoomEvent): void {
    const { type, state_key: stateKey } = pdu;
    if (stateKey === undefined || !this.head.knows(type, stateKey)) return;
    const entry = this.head.entry(type, stateKey);
    if (entry?.eventId !== eventId) return;
    this.head.set(type, stateKey, { keyNid: this.head.keyNid(type, stateKey), entry: { ...entry, redacted: true } });
  }

  commit(): RoomCommit {
    const { head, base } = this;
    const { version, roomSeq, backSeq } = base;
    if (this.#isOfAnEvent(head.stateNid)) head.stateIsOwn = false;
    return {
      ...{ roomNid: head.nid, roomId: head.roomId, roomVersion: head.rules.id },
      seen: { version, roomSeq, backSeq },
      progress: head,
      ...{ events: this.#events, states: this.#neededStates(), droppedStateNid: this.#dropped(), keys: this.#keys },
      ...{ currentState: [...this.#currentState.values()], hosts: this.#changedHosts(), found: this.#found },
      ...{ partial: this.#partial, restated: this.#restated },
    };
  }

  /** Tells the caches what became of the plan, and the head when it stands. */
  settle(committed: boolean): void {
    for (const state of this.#states) this.deps.states.settle(state, committed);
    for (const { nid } of [...this.#events, ...this.#restated]) this.deps.graph.settle(nid, committed);
    if (committed) this.base.absorb(this.head);
  }

  /** A current state of forks is nobody's but the head's, unless an event was built on it. */
  #dropped(): number | undefined {
    const { stateNid, stateIsOwn } = this.base;
    if (!stateIsOwn || stateNid === undefined || stateNid === this.head.stateNid) return undefined;
    const isNeeded =
      this.#neededStates().some(({ previousNid, skipNid }) => previousNid === stateNid || skipNid === stateNid) ||
      this.#isOfAnEvent(stateNid) ||
      this.#events.some(({ jump }) => jump?.fromStateNid === stateNid);
    return isNeeded ? undefined : stateNid;
  }

  /** The planned states but for those that were the current one only on the way. */
  #neededStates(): NewState[] {
    const needed = new Set<number | undefined>([this.head.stateNid]);
    for (const { stateBeforeNid, stateAfterNid } of [...this.#events, ...this.#restated]) {
      needed.add(stateBeforeNid).add(stateAfterNid);
    }
    // What stands on another one was planned after it.
    for (const { nid, previousNid, skipNid } of this.#states.toReversed()) {
      if (needed.has(nid)) needed.add(previousNid).add(skipNid);
    }
    return this.#states.filter(({ nid }) => needed.has(nid));
  }

  #isOfAnEvent(stateNid: number | undefined): boolean {
    const stated = [...this.#events, ...this.#restated];
    return stated.some((event) => event.stateBeforeNid === stateNid || event.stateAfterNid === stateNid);
  }

  #countHost(userId: string, before: string | undefined, after: string | undefined): void {
    const change = Number(after === 'join') - Number(before === 'join');
    if (change !== 0) this.#count(serverOf(userId), change);
  }

  #count(server: string, change: number): void {
    this.#hosts.set(server, (this.#hosts.get(server) ?? 0) + change);
  }

  #changedHosts(): ReadonlyMap<string, number> {
    return new Map([...this.#hosts].filter(([, change]) => change !== 0));
  }
}

/** An event of a plan as the graph has it. */
export function nodeOf(added: NewEvent): GraphNode {
  return {
    nid: added.nid,
    eventId: added.event.eventId,
    status: added.status,
    keyNid: added.keyNid,
    prevNids: added.prevNids,
    authNids: added.authNids,
    depth: added.event.pdu.depth,
    roomSeq: added.roomSeq,
    stateBeforeNid: added.stateBeforeNid,
    stateAfterNid: added.stateAfterNid,
  };
}

/** An event as it was just made or received. */
export function summaryOf({ eventId, pdu }: RoomEvent): EventSummary {
  const { type, content } = pdu;
  const membership = type === MEMBER && typeof content.membership === 'string' ? content.membership : undefined;
  return { eventId, ...(membership !== undefined && { membership }), redacted: false };
}

/** A state key of a member event need not be a user id that anybody could parse. */
function serverOf(userId: string): string {
  return userId.slice(userId.indexOf(':') + 1);
}

function isSame(one: Transaction, other: Transaction): boolean {
  const { userId, deviceId, scope, txnId } = other;
  return one.txnId === txnId && one.scope === scope && one.deviceId === deviceId && one.userId === userId;
}
