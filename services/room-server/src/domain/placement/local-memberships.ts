import { domainOf, isValidUserId } from '@ganglion/protocol';
import { GONE } from '../state/state-node.js';
import { changedEntries } from './current-state.js';
import type { RoomPlan } from './room-plan.js';

interface PlacedAt {
  readonly roomSeq: number | undefined;
  /** The state after the event. */
  readonly after: number | undefined;
  readonly visibility: string;
  readonly previousVisibility: string;
}

/** Under these, everybody may see what they have been joined after. */
const OPEN: ReadonlySet<string> = new Set(['shared', 'world_readable']);

/**
 * The memberships of our users in the state at an event, as far as they differ from the current state after it and decide
 * about who may see the event. Of an event that was backfilled, all of them.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
 */
export async function localMembershipsAt(plan: RoomPlan, serverNames: readonly string[], event: PlacedAt) {
  const { roomSeq, after, visibility, previousVisibility } = event;
  if (roomSeq === undefined || after === undefined) return [];
  if (OPEN.has(visibility) && OPEN.has(previousVisibility)) return [];
  return roomSeq < 0 ? allAt(plan, serverNames, after) : differingAt(plan, serverNames, after);
}

async function differingAt(plan: RoomPlan, serverNames: readonly string[], after: number) {
  const { stateNid } = plan.head;
  if (stateNid === undefined || stateNid === after) return [];
  const changed = await changedEntries(plan, stateNid, after);
  const names = await plan.keyNames(changed.map(({ keyNid }) => keyNid));
  const ours = changed.flatMap(({ keyNid, after: eventNid }) => {
    const { type, stateKey } = names.get(keyNid)!;
    return type === 'm.room.member' && isOf(stateKey, serverNames) ? [{ userId: stateKey, eventNid }] : [];
  });
  return membershipsOf(plan, ours);
}

async function allAt(plan: RoomPlan, serverNames: readonly string[], after: number) {
  const { head, deps } = plan;
  const members = await deps.store.membersOf(head.nid, serverNames);
  const entries = await deps.states.lookUp(
    head.nid,
    after,
    members.map(({ keyNid }) => keyNid),
  );
  const ours = members.flatMap(({ keyNid, userId }) => {
    const eventNid = entries.get(keyNid);
    return eventNid === undefined ? [] : [{ userId, eventNid }];
  });
  return membershipsOf(plan, ours);
}

async function membershipsOf(plan: RoomPlan, members: readonly { userId: string; eventNid: number }[]) {
  const events = await plan.summaries(members.map(({ eventNid }) => eventNid));
  return members.map(({ userId, eventNid }) => {
    const membership = eventNid === GONE ? undefined : events.get(eventNid)?.membership;
    return { userId, membership: membership ?? 'leave' };
  });
}

function isOf(userId: string, serverNames: readonly string[]): boolean {
  return isValidUserId(userId) && serverNames.includes(domainOf(userId));
}
