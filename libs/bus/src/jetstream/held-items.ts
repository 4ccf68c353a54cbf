import type { JetStreamItem } from './jetstream-item.js';

/** The messages of a shard that are here and not settled yet, in their order. */
export class HeldItems<T> {
  readonly #items = new Map<number, JetStreamItem<T>>();
  #bytes = 0;

  get size(): number {
    return this.#items.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The place of the first one. */
  get first(): number | undefined {
    for (const sequence of this.#items.keys()) return sequence;
    return undefined;
  }

  add(item: JetStreamItem<T>): void {
    this.#items.set(item.source.sequence, item);
    this.#bytes += item.source.data.length;
  }

  has(item: JetStreamItem<T>): boolean {
    return this.#items.get(item.source.sequence) === item;
  }

  /** Whether the item was held until now: the items of a stream that is gone are not. */
  remove(item: JetStreamItem<T>): boolean {
    if (!this.has(item)) return false;
    this.#items.delete(item.source.sequence);
    this.#bytes -= item.source.data.length;
    return true;
  }

  clear(): void {
    this.#items.clear();
    this.#bytes = 0;
  }
}
