import type { StateChange, StateJump } from '../ports/rooms.js';
import type { Extremity } from '../room-head.js';
import { GONE } from '../state/state-node.js';
import type { RoomPlan } from './room-plan.js';

/** More changes than these are not told with the event: who wants them pages through them. */
const MOST_CHANGES = 400;

export interface HeadMove {
  readonly changes: readonly StateChange[];
  /** Set when too much changed to be listed. */
  readonly jump: StateJump | undefined;
}

const NOTHING: HeadMove = { changes: [], jump: undefined };

export interface MoveOptions {
  /** What was told of the room may be more than its state, and is compared with what it comes to. */
  readonly isAnew?: boolean;
  /** Members that the state lacks are not known to be gone. */
  readonly isPartial?: boolean;
  /** However little changes, it is not listed. */
  readonly isJump?: boolean;
}

/** Moves the head of a room to other forward extremities and the state that theirs come to. */
export async function moveHead(
  plan: RoomPlan,
  extremities: readonly Extremity[],
  stateNid: number | undefined,
  { isAnew = false, isPartial = false, isJump: jumps = false }: MoveOptions = {},
): Promise<HeadMove> {
  const { stateNid: fromStateNid } = plan.head;
  const isNew = extremities.every((extremity) => extremity.stateNid !== stateNid);
  if (stateNid === undefined || stateNid === fromStateNid) {
    plan.move(extremities, stateNid, isNew);
    return NOTHING;
  }
  const changed = await changedEntries(plan, isAnew ? undefined : fromStateNid, stateNid);
  const changes = await describe(plan, isPartial ? await withoutGoneMembers(plan, changed) : changed);
  const isJump = jumps || changes.length > MOST_CHANGES;
  // Whoever pages through the changes needs both states for as long as the event is there.
  plan.move(extremities, stateNid, isNew && !isJump);
  if (!isJump) return { changes, jump: undefined };
  return { changes: [], jump: { fromStateNid, toStateNid: stateNid } };
}

interface ChangedEntry {
  readonly keyNid: number;
  readonly before: number;
  readonly after: number;
}

/** The entries in which a state differs from another. */
export async function changedEntries(
  { head, deps }: RoomPlan,
  from: number | undefined,
  to: number,
): Promise<ChangedEntry[]> {
  const { states, store } = deps;
  if (from === undefined) {
    const [told, now] = await Promise.all([store.currentEntries(head.nid), states.entries(head.nid, to)]);
    // What was told out of band is part of no state.
    return [...new Set([...told.keys(), ...now.keys()])].flatMap((keyNid) => {
      const [before, after] = [told.get(keyNid) ?? GONE, now.get(keyNid) ?? GONE];
      return before === after ? [] : [{ keyNid, before, after }];
    });
  }
  const keys = await states.differingKeys(head.nid, from, to);
  const [old, now] = await Promise.all([states.lookUp(head.nid, from, keys), states.lookUp(head.nid, to, keys)]);
  return [...keys].flatMap((keyNid) => {
    const [before, after] = [old.get(keyNid) ?? GONE, now.get(keyNid) ?? GONE];
    return before === after ? [] : [{ keyNid, before, after }];
  });
}

async function withoutGoneMembers(plan: RoomPlan, changed: readonly ChangedEntry[]): Promise<ChangedEntry[]> {
  const names = await plan.keyNames(changed.flatMap(({ keyNid, after }) => (after === GONE ? keyNid : [])));
  return changed.filter(({ keyNid, after }) => after !== GONE || names.get(keyNid)!.type !== 'm.room.member');
}

/** Makes the entries those of the current state. */
async function describe(plan: RoomPlan, changed: readonly ChangedEntry[]): Promise<StateChange[]> {
  const names = await plan.keyNames(changed.map(({ keyNid }) => keyNid));
  const events = await plan.summaries(changed.flatMap(({ before, after }) => [before, after]));
  // Members are loaded when somebody asks for them; all else the head knows.
  const wanted = changed.filter(({ keyNid }) => names.get(keyNid)!.type !== 'm.room.member' || changed.length < 10);
  const bodies = await plan.deps.graph.events(
    plan.head.nid,
    wanted.flatMap(({ after }) => (after === GONE ? [] : [after])),
  );
  return changed.map(({ keyNid, before, after }) => {
    const { type, stateKey } = names.get(keyNid)!;
    const summary = events.get(after);
    const change: StateChange = {
      ...{ type, stateKey, keyNid, eventNid: after, eventId: summary?.eventId ?? '' },
      membership: summary?.membership,
    };
    const event = bodies.get(after);
    const entry = event && summary && { nid: after, ...summary, event };
    plan.setCurrent(change, after === GONE ? undefined : entry, events.get(before)?.membership);
    return change;
  });
}
