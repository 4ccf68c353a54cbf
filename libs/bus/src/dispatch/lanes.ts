import type { Item } from './item.js';

interface Lane<I> {
  items: I[];
  timer: NodeJS.Timeout;
}

/** The keys whose first message waits for another attempt, with everything that queues up behind it. */
export class Lanes<I extends Item<unknown>> {
  readonly #lanes = new Map<string, Lane<I>>();
  readonly #keyOf: (item: I) => string;
  readonly #release: (items: readonly I[]) => void;

  constructor(keyOf: (item: I) => string, release: (items: readonly I[]) => void) {
    this.#keyOf = keyOf;
    this.#release = release;
  }

  /** Makes the item, and all that share its key, wait. */
  block(item: I, pauseMs: number): void {
    if (this.queue(item)) return;
    const key = this.#keyOf(item);
    const timer = setTimeout(() => this.#open(key), pauseMs);
    this.#lanes.set(key, { items: [item], timer });
  }

  /** Whether the item has to wait behind another one; if so it is taken care of. */
  queue(item: I): boolean {
    if (this.#lanes.size === 0) return false;
    const lane = this.#lanes.get(this.#keyOf(item));
    lane?.items.push(item);
    return lane !== undefined;
  }

  /** Removes the items that the test picks; returns how many they were. */
  withdraw(test: (item: I) => boolean): number {
    let withdrawn = 0;
    for (const [key, lane] of this.#lanes) {
      const rest = lane.items.filter((item) => !test(item));
      withdrawn += lane.items.length - rest.length;
      lane.items = rest;
      if (rest.length === 0) this.#open(key);
    }
    return withdrawn;
  }

  #open(key: string): void {
    const lane = this.#lanes.get(key);
    if (!lane) return;
    clearTimeout(lane.timer);
    this.#lanes.delete(key);
    this.#release(lane.items);
  }
}
