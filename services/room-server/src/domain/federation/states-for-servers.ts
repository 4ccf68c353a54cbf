import { LRUCache } from 'lru-cache';
import type { EventGraph, GraphNode } from '../graph/event-graph.js';
import type { FederationRows } from '../ports/federation-rows.js';
import type { States } from '../state/states.js';

/** Numbers that are kept to turn pages by. */
const MOST_NUMBERS = 2_000_000;
/** Of a room without a name, whose members are its name. */
const HEROES = 5;

/** A page of the numbers of events. */
export interface NidPage {
  readonly nids: readonly number[];
  /** Where the next one begins, when there is one. */
  readonly next: number | undefined;
}

export interface PageQuery {
  readonly after: number;
  readonly limit: number;
}

type Entries = readonly (readonly [keyNid: number, eventNid: number])[];

/** States before events and what authorises them, page by page: what was found for one is at hand for the next. */
export class StatesForServers {
  readonly #states = new LRUCache<string, Entries>({
    maxSize: MOST_NUMBERS,
    sizeCalculation: (entries) => 2 * entries.length + 1,
  });
  readonly #chains = new LRUCache<string, readonly number[]>({
    maxSize: MOST_NUMBERS,
    sizeCalculation: (nids) => nids.length + 1,
  });

  constructor(
    private readonly rows: FederationRows,
    private readonly graph: EventGraph,
    private readonly states: States,
  ) {}

  /** A page of the state before an event, in the order of the numbers of keys. @param isLean without most members */
  async stateBefore(roomNid: number, event: GraphNode, isLean: boolean, { after, limit }: PageQuery): Promise<NidPage> {
    const entries = await this.#entriesBefore(roomNid, event, isLean);
    const first = firstAfter(entries.length, (index) => entries[index]![0] > after);
    const page = entries.slice(first, first + limit);
    const isLast = first + limit >= entries.length;
    return { nids: page.map(([, nid]) => nid), next: isLast ? undefined : page.at(-1)?.[0] };
  }

  /** A page of what authorises some events, in the order of their numbers. */
  async authChain(roomNid: number, nids: readonly number[], { after, limit }: PageQuery): Promise<NidPage> {
    const key = `${roomNid} ${[...nids].sort((one, other) => one - other).join()}`;
    return this.#page(key, () => this.rows.authChain(roomNid, nids), { after, limit });
  }

  /** A page of what authorises all of the state before an event. */
  async authChainOfState(roomNid: number, event: GraphNode, query: PageQuery): Promise<NidPage> {
    const chain = async () => {
      const entries = await this.#entriesBefore(roomNid, event, false);
      return this.rows.authChain(
        roomNid,
        entries.map(([, nid]) => nid),
      );
    };
    return this.#page(`${roomNid} state ${event.stateBeforeNid}`, chain, query);
  }

  async #page(key: string, read: () => Promise<readonly number[]>, { after, limit }: PageQuery): Promise<NidPage> {
    const chain = this.#chains.get(key) ?? [...(await read())].sort((one, other) => one - other);
    this.#chains.set(key, chain);
    const first = firstAfter(chain.length, (index) => chain[index]! > after);
    const nids = chain.slice(first, first + limit);
    return { nids, next: first + limit >= chain.length ? undefined : nids.at(-1) };
  }

  async #entriesBefore(roomNid: number, event: GraphNode, isLean: boolean): Promise<Entries> {
    const { stateBeforeNid } = event;
    if (stateBeforeNid === undefined) return [];
    const key = isLean ? `${event.nid}` : `state ${stateBeforeNid}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const entries = isLean
      ? await this.#leanEntries(roomNid, stateBeforeNid, event)
      : await this.states.entries(roomNid, stateBeforeNid);
    const sorted = [...entries].sort(([one], [other]) => one - other);
    this.#states.set(key, sorted);
    return sorted;
  }

  /**
   * All but members, of whom only those come along who authorise the event and those that a room without a name is called by.
   *
   * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
   */
  async #leanEntries(roomNid: number, stateNid: number, event: GraphNode): Promise<Map<number, number>> {
    const [others, heroes] = await Promise.all([
      this.rows.keysButMembers(roomNid),
      this.rows.firstMembers(roomNid, HEROES),
    ]);
    const nodes = await this.graph.nodes(roomNid, event.authNids);
    const authorising = [...nodes.values()].flatMap(({ keyNid }) => keyNid ?? []);
    return this.states.lookUp(roomNid, stateNid, [...others, ...heroes, ...authorising]);
  }
}

/** The first index from which on something holds. */
function firstAfter(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
