import type { Item } from './item.js';

const COMPACT_AFTER = 1_024;

/** Items in order of arrival. Taking from the front does not move the rest. */
export class ReadyQueue<I extends Item<unknown>> {
  #items: I[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: I): void {
    this.#items.push(item);
  }

  peek(): I | undefined {
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
    const rest = this.#items.slice(this.#head);
    this.#items = [...items, ...rest].sort((a, b) => a.order - b.order);
    this.#head = 0;
  }

  some(test: (item: I) => boolean): boolean {
    return this.#items.some((item, index) => index >= this.#head && test(item));
  }

  /** Removes the items that the test picks; returns how many they were. */
  withdraw(test: (item: I) => boolean): number {
    const before = this.length;
    this.#items = this.#items.slice(this.#head).filter((item) => !test(item));
    this.#head = 0;
    return before - this.length;
  }
}
