import { LRUCache } from 'lru-cache';
import type { AppendBatch } from '../append-batch.js';
import type { OrderPage, ReadModel } from '../ports/read-model.js';
import type { EventPlace } from '../timeline-event.js';
import { RoomTail } from './room-tail.js';

/** Events of all rooms; each is about a hundred and fifty bytes. */
const MAX_PLACES = 50_000;
/** Read at least, as who turns one page turns the next. */
const LEAST = 100;

interface Known {
  readonly tail: RoomTail;
  /** As it was weighed. */
  weight: number;
  reading: Promise<void> | undefined;
}

/**
 * Pages of rooms in their own order. What a room ends with is in memory, as almost everybody reads there, and costs no
 * statement: it is read once, and what the feed brings is added. Older history is read each time.
 */
export class RoomTails {
  readonly #known: LRUCache<number, Known>;

  constructor(private readonly model: Pick<ReadModel, 'eventsInOrder'>) {
    this.#known = new LRUCache({ maxSize: MAX_PLACES, sizeCalculation: ({ tail }) => tail.size + 1 });
  }

  begin(): void {
    this.#known.clear();
  }

  apply({ events, backfills, purges, jumps }: AppendBatch): void {
    if (this.#known.size === 0) return;
    if (backfills === undefined) this.begin();
    for (const { text: _, traceparent: __, ...place } of events) this.#apply(place);
    for (const { roomNid } of [...(backfills ?? []), ...purges, ...jumps]) this.forget(roomNid);
  }

  #apply(place: EventPlace): void {
    const known = this.#known.peek(place.roomNid);
    known?.tail.apply(place);
    // What has grown much since is read again when somebody asks for it.
    if (known !== undefined && known.tail.size > 2 * known.weight + LEAST) this.forget(place.roomNid);
  }

  /** Events may have come that the feed has not told yet. */
  forget(roomNid: number): void {
    this.#known.delete(roomNid);
  }

  /** Events in the room's own order, with what a user's memberships were at them. */
  async page(wanted: OrderPage, userId: string): Promise<readonly EventPlace[]> {
    for (;;) {
      const known = this.#of(wanted.roomNid);
      const page = known.tail.page(wanted);
      if (!('lacks' in page)) return page;
      if (page.lacks === Number.POSITIVE_INFINITY || !known.tail.goesOn) break;
      const size = known.tail.size;
      known.reading ??= this.#extend(wanted.roomNid, known, page.lacks);
      await known.reading;
      // Forgotten meanwhile, or trimmed: another time.
      if (this.#known.peek(wanted.roomNid) !== known || (known.tail.size <= size && known.tail.goesOn)) break;
    }
    return this.model.eventsInOrder(wanted, userId);
  }

  #of(roomNid: number): Known {
    const known = this.#known.get(roomNid) ?? { tail: new RoomTail(), weight: 0, reading: undefined };
    if (!this.#known.has(roomNid)) this.#known.set(roomNid, known);
    return known;
  }

  async #extend(roomNid: number, known: Known, lacks: number): Promise<void> {
    const { tail } = known;
    const limit = Math.max(lacks, LEAST);
    try {
      tail.beginReading();
      const page = { roomNid, from: tail.floor, upTo: Number.MAX_SAFE_INTEGER, direction: 'backwards', limit } as const;
      const read = await this.model.eventsInOrder(page, undefined);
      tail.extend(read, read.length < limit);
      known.weight = tail.size;
      // It is weighed when it is set, if it was not there.
      if (this.#known.peek(roomNid) === known && this.#known.delete(roomNid)) this.#known.set(roomNid, known);
    } finally {
      known.reading = undefined;
    }
  }
}
