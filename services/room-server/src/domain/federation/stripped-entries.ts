import { isInStrippedState } from '@ganglion/protocol';
import type { RoomStore } from '../ports/rooms.js';
import type { RoomHead } from '../room-head.js';

/**
 * The numbers of the events of a room's current state that are shown to who is outside of it: an invited user, one who
 * knocks, and their servers.
 *
 * @param people whose memberships are shown along
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export async function entriesForStrangers(
  store: RoomStore,
  head: RoomHead,
  people: readonly string[],
): Promise<number[]> {
  await store.load(
    head,
    people.map((stateKey) => ({ type: 'm.room.member', stateKey })),
  );
  const shown = new Set(people);
  return head.entries().flatMap(([type, stateKey, { nid }]) => (isInStrippedState(type, stateKey, shown) ? [nid] : []));
}
