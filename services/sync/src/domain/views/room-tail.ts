import type { OrderKey, OrderPage } from '../ports/read-model.js';
import type { EventPlace } from '../timeline-event.js';

/** Of one room; a screen shows about thirty. */
const MAX_PLACES = 1_000;
const LOWEST: OrderKey = { depth: -1, position: -Number.MAX_SAFE_INTEGER };
const HIGHEST: OrderKey = { depth: Number.MAX_SAFE_INTEGER, position: Number.MAX_SAFE_INTEGER };

/** The live events that end a room in its own order, as far down as somebody has read. */
export class RoomTail {
  /** In order; all that the room has above the floor. */
  #places: EventPlace[] = [];
  #floor = HIGHEST;
  /** Whether it goes no further down: something that was backfilled lies there, or it is long enough. */
  #isClosed = false;
  /** What was appended since a read began, which that may or may not have; undefined while there is none. */
  #meanwhile: EventPlace[] | undefined;

  get size(): number {
    return this.#places.length;
  }

  /** Everything up to this place is not here. */
  get floor(): OrderKey {
    return this.#floor;
  }

  /** Whether it may hold more than it does. */
  get goesOn(): boolean {
    return !this.#isClosed && isBelow(LOWEST, this.#floor) && this.size < MAX_PLACES;
  }

  /** A page that lies here whole; undefined, with how many events it lacks, for one that does not. */
  page({ from, upTo, above, direction, limit }: OrderPage): readonly EventPlace[] | { readonly lacks: number } {
    if (above !== undefined || isBelow(from, this.#floor)) return { lacks: Number.POSITIVE_INFINITY };
    const isForwards = direction === 'forwards';
    const found: EventPlace[] = [];
    const step = isForwards ? 1 : -1;
    const start = this.#firstAbove(from) + (isForwards ? 0 : -1);
    let index = start;
    for (; index >= 0 && index < this.#places.length && found.length < limit; index += step) {
      const place = this.#places[index]!;
      if (place.position <= upTo) found.push(place);
    }
    const isWhole = found.length === limit || isForwards || !isBelow(LOWEST, this.#floor);
    if (isWhole) return found;
    // Whoever left long ago sees nothing of all this: what they see is looked for where it is.
    return { lacks: found.length === 0 && index !== start ? Number.POSITIVE_INFINITY : limit - found.length };
  }

  /** A read of what is below the floor begins. */
  beginReading(): void {
    this.#meanwhile = [];
  }

  /** Takes over what was read below the floor, the latest first, when it was all that is there or as much as was asked for. */
  extend(read: readonly EventPlace[], isAll: boolean): void {
    const backfilled = read.findIndex(({ position }) => position < 0);
    const live = backfilled < 0 ? read : read.slice(0, backfilled);
    this.#places = [...live.toReversed(), ...this.#places];
    this.#isClosed = backfilled >= 0;
    const last = live.at(-1);
    if (this.#isClosed) this.#floor = keyOf(read[backfilled]!);
    else if (isAll) this.#floor = LOWEST;
    else if (last !== undefined) this.#floor = { depth: last.depth, position: last.position - 1 };
    for (const place of this.#meanwhile ?? []) this.#insert(place);
    this.#meanwhile = undefined;
  }

  apply(place: EventPlace): void {
    this.#meanwhile?.push(place);
    this.#insert(place);
    if (this.size > 2 * MAX_PLACES) this.#trim();
  }

  #insert(place: EventPlace): void {
    if (!isBelow(this.#floor, place)) return;
    const index = this.#firstAbove(place);
    const before = this.#places[index - 1];
    if (before?.eventNid !== place.eventNid) this.#places.splice(index, 0, place);
  }

  #trim(): void {
    const cut = this.size - MAX_PLACES;
    this.#floor = keyOf(this.#places[cut - 1]!);
    this.#places = this.#places.slice(cut);
  }

  /** The index of the first event above a place. */
  #firstAbove(key: OrderKey): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBelow(key, this.#places[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function keyOf({ depth, position }: EventPlace): OrderKey {
  return { depth, position };
}

function isBelow(one: OrderKey, other: OrderKey): boolean {
  return one.depth < other.depth || (one.depth === other.depth && one.position < other.position);
}
