import type { JetStreamItem } from './jetstream-item.js';

const REMEMBERED = 1_024;

/** The messages of a shard that the server counts as unacknowledged, as far as they are here. */
export class HeldItems<T> {
  readonly #items = new Map<number, JetStreamItem<T>>();
  #acknowledged: string[] = [];

  get size(): number {
    return this.#items.size;
  }

  get(sequence: number): JetStreamItem<T> | undefined {
    return this.#items.get(sequence);
  }

  add(item: JetStreamItem<T>): void {
    this.#items.set(item.source.sequence, item);
  }

  /** Whether the item was held until now: the items of a stream that is gone are not. */
  remove(item: JetStreamItem<T>): boolean {
    return this.get(item.source.sequence) === item && this.#items.delete(item.source.sequence);
  }

  all(): JetStreamItem<T>[] {
    return [...this.#items.values()];
  }

  clear(): void {
    this.#items.clear();
    this.#acknowledged = [];
  }

  remember(reply: string): void {
    this.#acknowledged.push(reply);
    if (this.#acknowledged.length >= 2 * REMEMBERED) this.#acknowledged = this.#acknowledged.slice(-REMEMBERED);
  }

  /** What was acknowledged lately: the last acknowledgements may not have reached a server that broke down. */
  get acknowledged(): readonly string[] {
    return this.#acknowledged;
  }
}
