import type { StateStep, States } from '../state/states.js';
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
  readonly #longer = new Map<number, Promise<boolean>>();

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

  /** Where a room forks, each event of a fork asks the same of the other one, all the way down to where they part. */
  async #isIn(nid: number, stateNid: number): Promise<boolean> {
    const known = this.graph.isInChain(nid, stateNid);
    if (known !== undefined) return known;
    const isIn = (await this.#isInLonger(nid, stateNid)) ?? (await this.#seek(nid, stateNid));
    this.graph.learnInChain(nid, stateNid, isIn);
    return isIn;
  }

  /**
   * By what is known of the state before: where both sides of a fork go on, nothing is sought anew. Undefined when nothing is known of
   * it, or its chain may have lost something.
   */
  async #isInLonger(nid: number, stateNid: number): Promise<boolean | undefined> {
    const step = this.states.stepTo(stateNid);
    const before = step && this.graph.isInChain(nid, step.previousNid);
    if (step === undefined || before === undefined || !(await this.#lengthens(stateNid, step))) return undefined;
    return before || nid === step.eventNid;
  }

  #lengthens(stateNid: number, step: StateStep): Promise<boolean> {
    const known = this.#longer.get(stateNid) ?? this.#onlyAdds(step);
    this.#longer.set(stateNid, known);
    return known;
  }

  /** Whether the chain of a state is that of the one before and the event: it follows on what it replaces, and on nothing else that is new. */
  async #onlyAdds({ previousNid, keyNid, eventNid }: StateStep): Promise<boolean> {
    const [replaced] = (await this.states.lookUp(this.roomNid, previousNid, [keyNid])).values();
    const authNids = (await this.graph.authNodes(this.roomNid, [eventNid])).get(eventNid)?.authNids;
    if (authNids === undefined || (replaced !== undefined && !authNids.includes(replaced))) return false;
    for (const authNid of authNids) if (!(await this.#isIn(authNid, previousNid))) return false;
    return true;
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
