import type { ReadModel } from '../ports/read-model.js';
import type { TextSource } from '../texts/event-texts.js';
import type { RoomAccess } from './room-access.js';

interface Readers {
  readonly model: Pick<ReadModel, 'eventsInOrder'>;
  readonly texts: TextSource;
}

const MAX = Number.MAX_SAFE_INTEGER;

/**
 * About how deep in a room events of a time are: the least depth at which an event is of that time or later, as far as times grow
 * with the depth, which they do but for clocks that are wrong. A few look-ups, however many events there are.
 *
 * @param ts in milliseconds since the epoch
 */
export async function depthAtTime(readers: Readers, access: RoomAccess, userId: string, ts: number): Promise<number> {
  const first = await eventAt(readers, access, userId, { depth: 0, direction: 'forwards' });
  const last = await eventAt(readers, access, userId, { depth: MAX, direction: 'backwards' });
  if (first === undefined || last === undefined || first.ts >= ts) return first?.depth ?? 0;
  if (last.ts < ts) return last.depth + 1;
  // Up to `low` all is earlier, from `high` on nothing is.
  let [low, high] = [first.depth, last.depth];
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await eventAt(readers, access, userId, { depth: middle, direction: 'forwards' });
    if (found === undefined || found.ts >= ts) high = middle;
    else low = Math.max(middle, Math.min(found.depth, high - 1));
  }
  return high;
}

/** The event at a depth, or the next one that there is. */
async function eventAt(
  { model, texts }: Readers,
  { room, upTo }: RoomAccess,
  userId: string,
  { depth, direction }: { depth: number; direction: 'forwards' | 'backwards' },
): Promise<{ depth: number; ts: number } | undefined> {
  const from = { depth, position: direction === 'forwards' ? -MAX : MAX };
  const [place] = await model.eventsInOrder({ roomNid: room.nid, from, upTo, direction, limit: 1 }, userId);
  if (place === undefined) return undefined;
  const text = (await texts.load(room, [place.eventNid])).get(place.eventNid);
  return { depth: place.depth, ts: text?.originServerTs ?? 0 };
}
