import {
  answerInTime,
  type Conflicts,
  type ResolutionAnswersInTime,
  type RoomEvent,
  resolveConflicts,
  type StateTuple,
  splitStateTuple,
  stateTuple,
} from '@ganglion/protocol';
import { AuthChains } from '../graph/auth-chains.js';
import type { RoomPlan } from '../placement/room-plan.js';
import { GONE, type StateDelta } from './state-node.js';

/** A state that others come to, as what differs from one of them. */
export interface Resolved {
  readonly baseNid: number;
  readonly delta: StateDelta;
}

/** Conflicts by the numbers of their keys: what each state has there. */
type Candidates = ReadonlyMap<number, readonly (number | undefined)[]>;

const CREATE = 'm.room.create';

/**
 * Resolves states of a room into one. The library is given the entries in which they differ, and asks for the rest: what is
 * read grows with the conflict, not with the room.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export class Resolver {
  /** By the states that were resolved, of one plan. */
  readonly #done = new Map<string, number>();

  constructor(private readonly plan: RoomPlan) {}

  /** The state that these come to: one of them, or a new one of the plan. */
  async resolve(stateNids: readonly number[]): Promise<number> {
    const distinct = [...new Set(stateNids)].sort((one, other) => one - other);
    if (distinct.length === 1) return distinct[0]!;
    const key = distinct.join(' ');
    const known = this.#done.get(key);
    if (known !== undefined) return known;
    const { baseNid, delta } = await this.#resolve(distinct);
    const resolved = await this.plan.state(baseNid, delta);
    this.#done.set(key, resolved);
    return resolved;
  }

  /** As resolve, of a state that nobody will refer to. */
  async peek(stateNids: readonly number[]): Promise<Resolved> {
    const distinct = [...new Set(stateNids)].sort((one, other) => one - other);
    return distinct.length === 1 ? { baseNid: distinct[0]!, delta: new Map() } : this.#resolve(distinct);
  }

  async #resolve(stateNids: readonly number[]): Promise<Resolved> {
    const candidates = await this.#conflicts(stateNids);
    if (candidates.size === 0) return { baseNid: stateNids[0]!, delta: new Map() };
    const names = await this.plan.keyNames([...candidates.keys()]);
    const conflicts: Map<StateTuple, readonly (number | undefined)[]> = new Map();
    for (const [keyNid, each] of candidates) {
      const { type, stateKey } = names.get(keyNid)!;
      conflicts.set(stateTuple(type, stateKey), each);
    }
    const { changes } = await answerInTime(
      resolveConflicts<number>(conflicts as Conflicts<number>, this.plan.head.rules),
      this.#answers(stateNids),
    );
    // A delta on the state that it differs from least.
    const sizes = changes.map(({ size }) => size);
    const best = sizes.indexOf(Math.min(...sizes));
    const delta = new Map<number, number>();
    for (const [tuple, nid] of changes[best]!) {
      const [type, stateKey] = splitStateTuple(tuple);
      delta.set(await this.plan.keyNid(type, stateKey), nid ?? GONE);
    }
    return { baseNid: stateNids[best]!, delta };
  }

  /** The keys in which the states differ, and what each of them has there. */
  async #conflicts(stateNids: readonly number[]): Promise<Candidates> {
    const { states } = this.plan.deps;
    const roomNid = this.plan.head.nid;
    const keys = new Set<number>();
    const [first, ...others] = stateNids;
    for (const other of others) {
      for (const keyNid of await states.differingKeys(roomNid, first!, other)) keys.add(keyNid);
    }
    const found = await Promise.all(stateNids.map((stateNid) => states.lookUp(roomNid, stateNid, keys)));
    const conflicts = new Map<number, (number | undefined)[]>();
    for (const keyNid of keys) {
      const each = found.map((entries) => entries.get(keyNid));
      if (each.some((nid) => nid !== each[0])) conflicts.set(keyNid, each);
    }
    return conflicts;
  }

  #answers(stateNids: readonly number[]): ResolutionAnswersInTime<number> {
    const { plan } = this;
    const { graph, states } = plan.deps;
    const { head } = plan;
    const chains = new AuthChains(graph, states, head.nid, stateNids);
    return {
      async authEvents(ids) {
        const nodes = await graph.authNodes(head.nid, ids);
        return new Map([...nodes.values()].map(({ nid, authNids }) => [nid, authNids]));
      },
      inEveryChain: (ids) => chains.inEvery(ids),
      // The whole chains of what is in conflict are short: nobody's power or membership changes that often.
      leadingTo: (_conflicted, ids) => new Set(ids),
      events: (ids) => graph.events(head.nid, ids),
      async shared(tuples) {
        const pairs = tuples.map((tuple) => splitStateTuple(tuple));
        await plan.learnKeys(pairs.map(([type, stateKey]) => ({ type, stateKey })));
        const keyNids = pairs.map(([type, stateKey]) => head.keyNid(type, stateKey));
        const found = await states.lookUp(
          head.nid,
          stateNids[0]!,
          keyNids.filter((keyNid) => keyNid !== undefined),
        );
        const shared = new Map<StateTuple, number>();
        for (const [index, tuple] of tuples.entries()) {
          const nid = found.get(keyNids[index]!);
          if (nid !== undefined) shared.set(tuple, nid);
        }
        return shared;
      },
      create: () => createEvent(plan, stateNids[0]!),
    };
  }
}

/** The m.room.create event that all states of a room share. */
async function createEvent(plan: RoomPlan, stateNid: number): Promise<RoomEvent | undefined> {
  const { head, deps } = plan;
  await plan.learnKeys([{ type: CREATE, stateKey: '' }]);
  const keyNid = head.keyNid(CREATE, '');
  if (keyNid === undefined) return undefined;
  const nid = (await deps.states.lookUp(head.nid, stateNid, [keyNid])).get(keyNid);
  return nid === undefined ? undefined : (await deps.graph.events(head.nid, [nid])).get(nid);
}
