import type { AuthState, RoomEvent } from '@ganglion/protocol';
import { type StateTuple, stateTuple } from '@ganglion/protocol';
import type { StateKey } from '../ports/rooms.js';
import type { Resolved } from '../state/resolver.js';
import { GONE } from '../state/state-node.js';
import type { RoomPlan } from './room-plan.js';

/** Some entries of a state with their events: what rules look at. */
export interface StateView {
  readonly events: AuthState;
  /** The number of the event that the state has for a key. */
  nid(type: string, stateKey: string): number | undefined;
}

/** Reads what a state has for some keys; undefined stands for the state before m.room.create. */
export async function viewState(
  plan: RoomPlan,
  stateNid: number | undefined,
  keys: readonly StateKey[],
): Promise<StateView> {
  const { head, deps } = plan;
  if (stateNid === head.stateNid && stateNid !== undefined) {
    await plan.load(keys);
    return {
      events: (type, stateKey) => head.event(type, stateKey),
      nid: (type, stateKey) => head.entry(type, stateKey)?.nid,
    };
  }
  await plan.learnKeys(keys);
  const nids = await numbersIn(plan, stateNid, keys);
  const events = await deps.graph.events(head.nid, nids.values());
  const nid = (type: string, stateKey: string) => nids.get(stateTuple(type, stateKey));
  return { nid, events: (type, stateKey) => eventOf(events, nid(type, stateKey)) };
}

/** As viewState, of a state that is not kept. */
export async function viewResolved(
  plan: RoomPlan,
  { baseNid, delta }: Resolved,
  keys: readonly StateKey[],
): Promise<StateView> {
  const { head, deps } = plan;
  await plan.learnKeys(keys);
  const nids = await numbersIn(plan, baseNid, keys);
  for (const { type, stateKey } of keys) {
    const keyNid = head.keyNid(type, stateKey);
    const changed = keyNid === undefined ? undefined : delta.get(keyNid);
    if (changed === GONE) nids.delete(stateTuple(type, stateKey));
    else if (changed !== undefined) nids.set(stateTuple(type, stateKey), changed);
  }
  const events = await deps.graph.events(head.nid, nids.values());
  const nid = (type: string, stateKey: string) => nids.get(stateTuple(type, stateKey));
  return { nid, events: (type, stateKey) => eventOf(events, nid(type, stateKey)) };
}

/** What is known where most members are not: of those whom the state lacks, what the event's auth events say of them. */
export function orByAuthEvents(events: AuthState, authEvents: readonly RoomEvent[]): AuthState {
  const members = new Map<string, RoomEvent>();
  for (const event of authEvents) if (event.pdu.type === 'm.room.member') members.set(event.pdu.state_key ?? '', event);
  return (type, stateKey) => {
    return events(type, stateKey) ?? (type === 'm.room.member' ? members.get(stateKey) : undefined);
  };
}

async function numbersIn({ head, deps }: RoomPlan, stateNid: number | undefined, keys: readonly StateKey[]) {
  const found = new Map<StateTuple, number>();
  if (stateNid === undefined) return found;
  const keyNids = new Map<StateTuple, number>();
  for (const { type, stateKey } of keys) {
    const keyNid = head.keyNid(type, stateKey);
    if (keyNid !== undefined) keyNids.set(stateTuple(type, stateKey), keyNid);
  }
  const entries = await deps.states.lookUp(head.nid, stateNid, keyNids.values());
  for (const [tuple, keyNid] of keyNids) {
    const nid = entries.get(keyNid);
    if (nid !== undefined) found.set(tuple, nid);
  }
  return found;
}

function eventOf(events: ReadonlyMap<number, RoomEvent>, nid: number | undefined): RoomEvent | undefined {
  return nid === undefined ? undefined : events.get(nid);
}
