import type { States } from '../state/states.js';
import type { EventGraph } from './event-graph.js';

const PAGE = 64;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * Whether events are in the auth chains of several states, each state taken to be part of its own chain.
 *
 * An event is in a state's chain when the state has it, or has something that it authorised, or when something that it
 * authorised is in the chain in turn. So the answer is sought from the event upwards: what authorises much is found at
 * once in what the state has, and nothing is read of what the states share.
 */
export class AuthChains {
  readonly #known = new Map<string, Promise<boolean>>();

  constructor(
    private readonly graph: EventGraph,
    private readonly states: States,
    private readonly roomNid: number,
    private readonly stateNids: readonly number[],
  ) {}

  /** Those of the events that are in the chain of each of the states. */
  async inEvery(nids: readonly number[]): Promise<Set<number>> {
    const found = new Set<number>();
    for (const nid of nids) if (await this.#isInEvery(nid)) found.add(nid);
    return found;
  }

  async #isInEvery(nid: number): Promise<boolean> {
    for (const stateNid of this.stateNids) if (!(await this.#isIn(nid, stateNid))) return false;
    return true;
  }

  #isIn(nid: number, stateNid: number): Promise<boolean> {
    const key = `${stateNid} ${nid}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#seek(nid, stateNid);
      this.#known.set(key, known);
    }
    return known;
  }

  async #seek(nid: number, stateNid: number): Promise<boolean> {
    if (await this.#hasAny([nid], stateNid)) return true;
    const overtaken = [...this.graph.plannedBy(nid)];
    if (overtaken.length > 0 && (await this.#hasAny(overtaken, stateNid))) return true;
    for (let below = NO_LIMIT; ; ) {
      const page = await this.graph.authorisedBy(this.roomNid, nid, below, PAGE);
      if (page.length > 0 && (await this.#hasAny(page, stateNid))) return true;
      overtaken.push(...page);
      if (page.length < PAGE) break;
      below = page.at(-1)!;
    }
    for (const each of overtaken) if (await this.#isIn(each, stateNid)) return true;
    return false;
  }

  /** Whether any of the events is an entry of the state. */
  async #hasAny(nids: readonly number[], stateNid: number): Promise<boolean> {
    const nodes = [...(await this.graph.authNodes(this.roomNid, nids)).values()];
    const keys = new Set(nodes.flatMap(({ keyNid }) => keyNid ?? []));
    const entries = await this.states.lookUp(this.roomNid, stateNid, keys);
    return nodes.some(({ nid, keyNid }) => keyNid !== undefined && entries.get(keyNid) === nid);
  }
}
