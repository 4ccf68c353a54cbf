import type { TimelineEvent } from '../timeline-event.js';
import type { Hole } from './earlier-history.js';
import type { HistoryToken } from './history-token.js';
import type { Direction, Walk } from './room-walk.js';

/** So many events, in depth, may say that they are of another time than those around them. */
const WRONG_CLOCKS = 20;
const MOST_PAGES = 50;
const MAX = Number.MAX_SAFE_INTEGER;

export interface NearestToTime {
  /** The nearest of those that there are. */
  readonly found: TimelineEvent | undefined;
  /** Where a nearer one may be missing. */
  readonly hole: Hole | undefined;
}

/**
 * Walks from about where a time is in a room to the first event on one side of it.
 *
 * @param depth about how deep in the room events of that time are
 * @param ts in milliseconds since the epoch
 */
export async function nearestToTime(
  depth: number,
  { access, direction }: Walk,
  ts: number,
  page: (at: HistoryToken) => Promise<{ events: readonly TimelineEvent[]; next: HistoryToken | undefined }>,
): Promise<NearestToTime> {
  const isForwards = direction === 'forwards';
  const fits = ({ text }: TimelineEvent) => (isForwards ? text.originServerTs >= ts : text.originServerTs <= ts);
  const first = isForwards ? Math.max(0, depth - WRONG_CLOCKS) : depth + WRONG_CLOCKS;
  const { upTo } = access;
  let at: HistoryToken | undefined = { key: { depth: first, position: isForwards ? -MAX : MAX }, upTo };
  let found: TimelineEvent | undefined;
  for (let pages = 0; at !== undefined && found === undefined && pages < MOST_PAGES; pages++) {
    const { events, next } = await page(at);
    found = events.find(fits);
    at = next;
  }
  return { found, hole: access.goesOn ? holeAt(direction, first, found?.place.depth) : undefined };
}

function holeAt(direction: Direction, first: number, found: number | undefined): Hole | undefined {
  if (direction === 'backwards') return { above: first, below: found ?? -1 };
  return found === undefined ? undefined : { above: found, below: first - 1 };
}
