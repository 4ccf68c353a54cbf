import type { OrderKey, OrderPage, ReadModel } from '../ports/read-model.js';
import type { EventPlace } from '../timeline-event.js';
import { endOf, type HistoryToken, isLive } from './history-token.js';
import type { RoomAccess } from './room-access.js';

export type Direction = 'forwards' | 'backwards';

/** A way through a room's events: forwards from a token of /sync in the order of positions, else in the room's own. */
export interface Walk {
  readonly access: RoomAccess;
  readonly userId: string;
  readonly direction: Direction;
  readonly to: HistoryToken | undefined;
}

/** Reads the events of rooms. */
export interface RoomPages {
  readonly model: Pick<ReadModel, 'events'>;
  /** In the room's own order. */
  readonly tails: { page(wanted: OrderPage, userId: string): Promise<readonly EventPlace[]> };
}

/** Where a walk from a token begins. */
export function startOf(from: HistoryToken, direction: Direction, { upTo }: RoomAccess): HistoryToken {
  if (!isLive(from)) return { ...from, upTo: Math.min(from.upTo, upTo) };
  return direction === 'forwards' ? from : endOf(Math.min(from.after, upTo));
}

/** The next events of a walk, and where it is after them. */
export interface Step {
  readonly places: readonly EventPlace[];
  readonly at: HistoryToken;
  /** Whether it is over. */
  readonly isLast: boolean;
}

export async function nextStep(pages: RoomPages, walk: Walk, at: HistoryToken, limit: number): Promise<Step> {
  const found = await nextPlaces(pages, walk, at, limit);
  const places = found.filter((place) => isWithin(walk, place));
  if (found.length > 0 && places.length === 0) return leftBehind(pages, walk, at, limit);
  const reached = pastAll(at, walk, found);
  if (found.length === limit) return { places, at: reached, isLast: false };
  const beyond = beyondEnd(reached, walk);
  return { places, at: beyond ?? reached, isLast: beyond === undefined };
}

function nextPlaces(
  { model, tails }: RoomPages,
  { access, userId, direction }: Walk,
  at: HistoryToken,
  limit: number,
): Promise<readonly EventPlace[]> {
  const { room, upTo } = access;
  const roomNid = room.nid;
  if (isLive(at)) return model.events({ roomNid, above: at.after, upTo, direction: 'forwards', limit });
  return tails.page({ roomNid, from: at.key, upTo: at.upTo, direction, limit }, userId);
}

/**
 * What is left of a walk back to a token of /sync once it has come to what is older: what came later than that, and has its
 * place further back.
 */
async function leftBehind({ tails }: RoomPages, walk: Walk, at: HistoryToken, limit: number): Promise<Step> {
  const { access, userId, direction, to } = walk;
  if (direction === 'forwards' || to === undefined || !isLive(to) || isLive(at)) {
    return { places: [], at, isLast: true };
  }
  const page = { roomNid: access.room.nid, from: at.key, upTo: at.upTo, above: to.after, direction, limit };
  const places = await tails.page(page, userId);
  return { places, at: pastAll(at, walk, places), isLast: places.length < limit };
}

function pastAll(at: HistoryToken, walk: Walk, places: readonly EventPlace[]): HistoryToken {
  const last = places.at(-1);
  return last === undefined ? at : past(at, walk, last);
}

/** Where a walk is once it has passed an event. */
export function past(at: HistoryToken, { direction }: Walk, { depth, position }: EventPlace): HistoryToken {
  if (isLive(at)) return { after: position };
  return { ...at, key: { depth, position: direction === 'forwards' ? position : position - 1 } };
}

/** Where a walk goes on that has come to the end of its order; undefined where there is nothing more yet. */
function beyondEnd(at: HistoryToken, { direction, access }: Walk): HistoryToken | undefined {
  if (direction === 'backwards' || isLive(at)) return undefined;
  return at.upTo < access.upTo ? { after: at.upTo } : undefined;
}

/** Whether an event lies before the walk's end. */
function isWithin({ to, direction }: Walk, place: EventPlace): boolean {
  if (to === undefined) return true;
  const isBefore = isLive(to) ? place.position <= to.after : compare(place, to.key) <= 0;
  return direction === 'forwards' ? isBefore : !isBefore;
}

function compare(one: OrderKey, other: OrderKey): number {
  return one.depth - other.depth || one.position - other.position;
}
