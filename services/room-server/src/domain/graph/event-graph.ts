import type { RoomEvent } from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';
import type { GraphRows } from '../ports/graph-rows.js';

/**
 * What became of an event. An outlier was authorised by its auth events but has no place in the room, one that waits was
 * not judged yet.
 */
export type EventStatus = 'accepted' | 'rejected' | 'soft-failed' | 'outlier' | 'waiting';

/** An event as the graph knows it: all but its body. */
export interface GraphNode {
  readonly nid: number;
  readonly eventId: string;
  readonly status: EventStatus;
  /** Of the pair of type and state key, when it is a state event. */
  readonly keyNid: number | undefined;
  readonly prevNids: readonly number[];
  readonly authNids: readonly number[];
  readonly depth: number;
  /** Its place in the log, when it has one: also what was told out of band has. */
  readonly roomSeq: number | undefined;
  /** The states before and after it; undefined for what has no place in the room. */
  readonly stateBeforeNid: number | undefined;
  readonly stateAfterNid: number | undefined;
}

/** What of an event never changes once it was judged. */
export type AuthNode = Pick<GraphNode, 'nid' | 'keyNid' | 'authNids'>;

export interface StoredBody {
  readonly nid: number;
  readonly event: RoomEvent;
  /** Of the JSON text. */
  readonly length: number;
}

const MAX_BODY_BYTES = 24 * 1024 * 1024;
const MAX_NODES = 50_000;
const MAX_CHAINS = 20_000;
/** Objects take more than their text. */
const BODY_WEIGHT = 3;

/**
 * The graph of events: edges apart from bodies. An event's edges never change, nor does its body; its status and its states
 * do once, when an outlier gets its place, so only what has its place for good is kept.
 */
export class EventGraph {
  readonly #nodes = new LRUCache<number, GraphNode>({ max: MAX_NODES });
  /** Outliers: the state of a room that was joined by way of another server is full of them. */
  readonly #outliers = new LRUCache<number, AuthNode>({ max: MAX_NODES });
  readonly #bodies = new LRUCache<number, RoomEvent>({ maxSize: MAX_BODY_BYTES });
  /** Events that are planned and not committed yet. */
  readonly #planned = new Map<number, { readonly node: GraphNode; readonly event: RoomEvent }>();

  /** By a state and an event: neither ever changes, so neither does this. */
  readonly #inChains = new LRUCache<string, boolean>({ max: MAX_CHAINS });

  constructor(private readonly rows: GraphRows) {}

  /** Whether an event was found to be in the auth chain of a state; undefined when nobody has looked. */
  isInChain(nid: number, stateNid: number): boolean | undefined {
    return this.#inChains.get(`${stateNid} ${nid}`);
  }

  learnInChain(nid: number, stateNid: number, isIn: boolean): void {
    this.#inChains.set(`${stateNid} ${nid}`, isIn);
  }

  /** Remembers an event that is about to be committed, until it is settled. */
  plan(node: GraphNode, event: RoomEvent): void {
    this.#planned.set(node.nid, { node, event });
  }

  /** The commit of a planned event has succeeded or failed. */
  settle(nid: number, committed: boolean): void {
    const planned = this.#planned.get(nid);
    this.#planned.delete(nid);
    if (planned === undefined || !committed) return;
    // Nobody asks for messages by their numbers, but for who follows them right now.
    if (planned.node.keyNid === undefined) return;
    this.#keep(planned.node);
    this.learn(nid, planned.event, roughLength(planned.event));
  }

  /** The events with these numbers; what the room does not have is left out. */
  async nodes(roomNid: number, nids: Iterable<number>): Promise<Map<number, GraphNode>> {
    const found = new Map<number, GraphNode>();
    const missing: number[] = [];
    for (const nid of nids) {
      const node = this.#planned.get(nid)?.node ?? this.#nodes.get(nid);
      if (node === undefined) missing.push(nid);
      else found.set(nid, node);
    }
    if (missing.length === 0) return found;
    for (const node of await this.rows.nodes(roomNid, missing)) {
      this.#keep(node);
      found.set(node.nid, node);
    }
    return found;
  }

  /** What authorises these events, with or without a place; what the room does not have is left out. */
  async authNodes(roomNid: number, nids: Iterable<number>): Promise<Map<number, AuthNode>> {
    const found = new Map<number, AuthNode>();
    const others: number[] = [];
    for (const nid of nids) {
      const node = this.#outliers.get(nid);
      if (node === undefined) others.push(nid);
      else found.set(nid, node);
    }
    if (others.length > 0) for (const [nid, node] of await this.nodes(roomNid, others)) found.set(nid, node);
    return found;
  }

  /** The events with these ids, as they are now; what the room does not have is left out. */
  async find(roomNid: number, eventIds: readonly string[]): Promise<Map<string, GraphNode>> {
    if (eventIds.length === 0) return new Map();
    const nodes = await this.rows.find(roomNid, eventIds);
    for (const node of nodes) this.#keep(node);
    return new Map(nodes.map((node) => [node.eventId, node]));
  }

  /** Events by their numbers as the database has them, whatever is planned. */
  async stored(roomNid: number, nids: readonly number[]): Promise<Map<number, GraphNode>> {
    return new Map((await this.rows.nodes(roomNid, nids)).map((node) => [node.nid, node]));
  }

  /** The bodies of events, by their numbers; what the room does not have is left out. */
  async events(roomNid: number, nids: Iterable<number>): Promise<Map<number, RoomEvent>> {
    const found = new Map<number, RoomEvent>();
    const missing: number[] = [];
    for (const nid of nids) {
      const event = this.#planned.get(nid)?.event ?? this.#bodies.get(nid);
      if (event === undefined) missing.push(nid);
      else found.set(nid, event);
    }
    if (missing.length === 0) return found;
    for (const { nid, event, length } of await this.rows.bodies(roomNid, missing)) {
      this.learn(nid, event, length);
      found.set(nid, event);
    }
    return found;
  }

  /** Remembers a body that was read elsewhere. */
  learn(nid: number, event: RoomEvent, length: number): void {
    this.#bodies.set(nid, event, { size: BODY_WEIGHT * length + 200 });
  }

  /** State events that one authorises, a page of those that are stored. */
  authorisedBy(roomNid: number, authNid: number, below: number, limit: number): Promise<readonly number[]> {
    return this.rows.authorisedBy(roomNid, authNid, below, limit);
  }

  /** State events that are planned and that one authorises. */
  plannedBy(authNid: number): readonly number[] {
    const found: number[] = [];
    for (const { node } of this.#planned.values()) {
      if (node.keyNid !== undefined && node.authNids.includes(authNid)) found.push(node.nid);
    }
    return found;
  }

  #keep(node: GraphNode): void {
    const { nid, keyNid, authNids, status } = node;
    // It may have been read before it was judged, which another replica has done since.
    if (status === 'rejected' && this.#bodies.get(nid)?.rejected === false) this.#bodies.delete(nid);
    if (status === 'outlier') this.#outliers.set(nid, { nid, keyNid, authNids });
    else if (isPlaced(node)) this.#nodes.set(nid, node);
  }
}

/** Whether an event has its place in the room, accepted or not, so that others can follow it. */
export function isPlaced(node: GraphNode | undefined): node is GraphNode {
  return node?.stateAfterNid !== undefined;
}

/** Most of an event that was built here is its content. */
function roughLength({ pdu }: RoomEvent): number {
  return 600 + JSON.stringify(pdu.content).length;
}
