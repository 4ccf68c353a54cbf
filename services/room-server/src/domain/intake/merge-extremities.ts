import { isMatrixError } from '@ganglion/contracts';
import type { LocalPlacement } from '../placement/local-placement.js';

/** Each of our events names all forward extremities; where nobody of ours sends any, they would grow without end. */
const MOST_EXTREMITIES = 10;
const MOST_CANDIDATES = 10;

/** An event without meaning, which no client is shown: it only follows others. */
const DUMMY = 'org.matrix.dummy_event';

/** Sends an event that follows all forward extremities when there are too many of them, if one of our users may. */
export async function mergeExtremities(room: LocalPlacement, serverNames: readonly string[]): Promise<void> {
  const { head, plan } = room;
  if (head.extremities.length <= MOST_EXTREMITIES) return;
  const senders = await plan.deps.store.joinedUsersOf(head.nid, serverNames, MOST_CANDIDATES);
  for (const sender of senders) {
    try {
      await room.append({ type: DUMMY, sender, content: {}, originServerTs: Date.now() });
      return;
    } catch (error) {
      // Not everybody may send events.
      if (!isMatrixError(error) || error.status !== 403) throw error;
    }
  }
}
