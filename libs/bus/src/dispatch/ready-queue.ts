import type { Item } from './item.js';

const COMPACT_AFTER = 1_024;

/** Items in order of arrival. Taking from the front does not move the rest, and what comes back is sorted in at once. */
export class ReadyQueue<I extends Item<unknown>> {
  #items: I[] = [];
  #head = 0;
  #returned: I[] = [];

  get length(): number {
    return this.#items.length - this.#head + this.#returned.length;
  }

  push(item: I): void {
    this.#items.push(item);
  }

  peek(): I | undefined {
    if (this.#returned.length > 0) this.#merge();
    return this.#items[this.#head];
  }

  drop(): void {
    this.#head++;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > COMPACT_AFTER && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Puts items back at the places that their order gives them. */
  restore(items: readonly I[]): void {
    for (const item of items) this.#returned.push(item);
  }

  /** Removes the items that the test picks; returns how many they were. */
  withdraw(test: (item: I) => boolean): number {
    const before = this.length;
    this.#items = this.#merge().filter((item) => !test(item));
    return before - this.length;
  }

  #merge(): I[] {
    const rest = this.#items.slice(this.#head);
    this.#items = this.#returned.length > 0 ? [...this.#returned, ...rest].sort((a, b) => a.order - b.order) : rest;
    this.#head = 0;
    this.#returned = [];
    return this.#items;
  }
}
