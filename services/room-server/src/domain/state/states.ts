import { LRUCache } from 'lru-cache';
import type { StateRows } from '../ports/state-rows.js';
import { GONE, LARGE_DELTA, type NewState, type StateDelta, type StateNode, spanOf, weightOf } from './state-node.js';

/** A state that has one entry more than another, or one that is newer. */
export interface StateStep {
  readonly previousNid: number;
  readonly keyNid: number;
  readonly eventNid: number;
}

/** A state that is gone from the database, or never was in it. */
export class UnknownStateError extends Error {
  override readonly name = 'UnknownStateError';

  constructor(roomNid: number, stateNid: number) {
    super(`room ${roomNid} has no state ${stateNid}`);
  }
}

const MAX_BYTES = 16 * 1024 * 1024;
/** A longer walk in memory costs more than a look into the database. */
const LONGEST_WALK = 256;

/**
 * The states of rooms, each as what differs from the one before. A state never changes, so whatever was read of one is
 * kept for as long as there is room. One key is looked up, and two states are compared, without reading what they share.
 */
export class States {
  readonly #nodes = new LRUCache<number, StateNode>({ maxSize: MAX_BYTES, sizeCalculation: weightOf });
  readonly #found = new LRUCache<string, number>({ max: 20_000 });
  /** States that are planned and not committed yet: they are nowhere else. */
  readonly #planned = new Map<number, NewState>();

  constructor(private readonly rows: StateRows) {}

  /** Remembers a state that is about to be committed, until it is settled. */
  plan(state: NewState): void {
    this.#planned.set(state.nid, state);
  }

  /** The commit of a planned state has succeeded or failed. */
  settle(state: NewState, committed: boolean): void {
    this.#planned.delete(state.nid);
    if (committed) this.#nodes.set(state.nid, state.delta.size > LARGE_DELTA ? { ...state, delta: undefined } : state);
  }

  /** What a state has for some keys: event numbers by key. What it lacks is left out. @throws UnknownStateError */
  async lookUp(roomNid: number, stateNid: number, keyNids: Iterable<number>): Promise<Map<number, number>> {
    const wanted = new Set(keyNids);
    const found = new Map<number, number>();
    const take = (keyNid: number, eventNid: number) => {
      wanted.delete(keyNid);
      if (eventNid !== GONE) found.set(keyNid, eventNid);
    };
    const rest = this.#walk(stateNid, wanted, take);
    if (wanted.size === 0 || rest === undefined) return found;
    for (const keyNid of [...wanted]) {
      const known = this.#found.get(`${rest} ${keyNid}`);
      if (known !== undefined) take(keyNid, known);
    }
    if (wanted.size === 0) return found;
    const read = await this.rows.lookUp(roomNid, rest, [...wanted]);
    for (const keyNid of [...wanted]) {
      this.#found.set(`${rest} ${keyNid}`, read.get(keyNid) ?? GONE);
      take(keyNid, read.get(keyNid) ?? GONE);
    }
    return found;
  }

  /** How a state comes from the one before it, when that is known without a look into the database, and is one event. */
  stepTo(stateNid: number): StateStep | undefined {
    const node = this.#planned.get(stateNid) ?? this.#nodes.get(stateNid);
    if (node?.previousNid === undefined || node.delta?.size !== 1) return undefined;
    const [[keyNid, eventNid] = [0, GONE]] = node.delta;
    return eventNid === GONE ? undefined : { previousNid: node.previousNid, keyNid, eventNid };
  }

  /** The keys in which two states may differ, found by walking back to where their lines part. */
  async differingKeys(roomNid: number, one: number, other: number): Promise<Set<number>> {
    const keys = new Set<number>();
    let [left, right]: (number | undefined)[] = [one, other];
    while (left !== right) {
      if (left === undefined || right === undefined) return this.#compare(roomNid, one, other);
      const [nodeOfLeft, nodeOfRight]: StateNode[] = await Promise.all([
        this.#node(roomNid, left),
        this.#node(roomNid, right),
      ]);
      const isLeft: boolean = nodeOfLeft!.generation >= nodeOfRight!.generation;
      const later = isLeft ? nodeOfLeft! : nodeOfRight!;
      // A step without a delta in mind, or from nothing, is a step over everything.
      if (later.delta === undefined || later.previousNid === undefined) return this.#compare(roomNid, one, other);
      for (const keyNid of later.delta.keys()) keys.add(keyNid);
      if (isLeft) left = later.previousNid;
      else right = later.previousNid;
    }
    return keys;
  }

  /** All entries of a state: the number of an event by that of its key. */
  async entries(roomNid: number, stateNid: number): Promise<Map<number, number>> {
    const deltas: StateDelta[] = [];
    let nid: number | undefined = stateNid;
    for (let planned = this.#planned.get(nid); planned !== undefined; planned = this.#planned.get(nid)) {
      deltas.push(planned.delta);
      nid = planned.previousNid;
      if (nid === undefined) break;
    }
    const entries = new Map(nid === undefined ? [] : await this.rows.entries(roomNid, nid));
    for (const delta of deltas.reverse()) applyDelta(entries, delta);
    return entries;
  }

  /** A state that differs from another one, or from nothing. It has to be planned or thrown away. */
  async next(roomNid: number, nid: number, previousNid: number | undefined, delta: StateDelta): Promise<NewState> {
    const previous = previousNid === undefined ? undefined : await this.#node(roomNid, previousNid);
    const generation = previous === undefined ? 0 : previous.generation + 1;
    const step = { nid, generation, previousNid, delta };
    if (previous === undefined || delta.size > LARGE_DELTA) {
      const hasRuns = delta.size > LARGE_DELTA;
      return { ...step, skipNid: previousNid, hasRuns, run: hasRuns ? delta : undefined };
    }
    const span = spanOf(generation);
    if (span === 1) return { ...step, skipNid: previousNid, hasRuns: false, run: undefined };
    const { run, skipNid } = await this.#gather(roomNid, previous, generation - span, delta);
    return { ...step, skipNid, hasRuns: true, run };
  }

  /** All that changed since an earlier generation of a line. */
  async #gather(roomNid: number, from: StateNode, downTo: number, latest: StateDelta) {
    const deltas = [latest];
    let node = from;
    while (node.generation > downTo) {
      deltas.push(node.hasRuns ? await this.#run(roomNid, node) : node.delta!);
      node = await this.#node(roomNid, node.skipNid!);
    }
    return { run: merge(deltas), skipNid: node.nid };
  }

  async #run(roomNid: number, node: StateNode): Promise<StateDelta> {
    return this.#planned.get(node.nid)?.run ?? (await this.rows.run(roomNid, node.nid));
  }

  /** Takes what deltas in memory say of some keys. Returns the state that says the rest; undefined when there is none. */
  #walk(stateNid: number, wanted: ReadonlySet<number>, take: (keyNid: number, eventNid: number) => void) {
    let nid = stateNid;
    for (let steps = 0; wanted.size > 0; steps++) {
      const planned = this.#planned.get(nid);
      const node: StateNode | undefined = planned ?? (steps < LONGEST_WALK ? this.#nodes.get(nid) : undefined);
      if (node?.delta === undefined) return nid;
      for (const keyNid of [...wanted]) {
        const eventNid = node.delta.get(keyNid);
        if (eventNid !== undefined) take(keyNid, eventNid);
      }
      if (node.previousNid === undefined) return undefined;
      nid = node.previousNid;
    }
    return undefined;
  }

  async #node(roomNid: number, stateNid: number): Promise<StateNode> {
    const known = this.#planned.get(stateNid) ?? this.#nodes.get(stateNid);
    if (known !== undefined) return known;
    const line = await this.rows.line(roomNid, stateNid);
    for (const node of line) if (!this.#nodes.has(node.nid)) this.#nodes.set(node.nid, node);
    const node = line.find(({ nid }) => nid === stateNid);
    if (node === undefined) throw new UnknownStateError(roomNid, stateNid);
    return node;
  }

  async #compare(roomNid: number, one: number, other: number): Promise<Set<number>> {
    const [left, right] = await Promise.all([this.entries(roomNid, one), this.entries(roomNid, other)]);
    const keys = new Set<number>();
    for (const [keyNid, eventNid] of left) if (right.get(keyNid) !== eventNid) keys.add(keyNid);
    for (const keyNid of right.keys()) if (!left.has(keyNid)) keys.add(keyNid);
    return keys;
  }
}

/** Applies a delta to the entries of a state. */
function applyDelta(entries: Map<number, number>, delta: StateDelta): void {
  for (const [keyNid, eventNid] of delta) {
    if (eventNid === GONE) entries.delete(keyNid);
    else entries.set(keyNid, eventNid);
  }
}

/** Deltas in one, the newest first: what comes first counts. */
function merge(deltas: readonly StateDelta[]): StateDelta {
  const merged = new Map<number, number>();
  for (const delta of deltas.toReversed()) for (const [keyNid, eventNid] of delta) merged.set(keyNid, eventNid);
  return merged;
}
