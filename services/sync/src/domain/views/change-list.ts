/** One item's place in a list of changes. */
export interface Listed {
  /** The position of the last change. */
  changedAt: number;
  /** The neighbours, which the list keeps. */
  newer: Listed | undefined;
  older: Listed | undefined;
}

/**
 * Items in the order of their last changes: those that changed above a position are found by looking at them alone, however
 * many others there are.
 */
export class ChangeList<Item extends Listed> {
  #newest: Item | undefined;

  /** The position of the last change of all; 0 when there is nothing. */
  get changedAt(): number {
    return this.#newest?.changedAt ?? 0;
  }

  /** Adds an item in the place of its last change; of many, the oldest change should be added first. */
  add(item: Item): void {
    let newer: Item | undefined;
    let older = this.#newest;
    while (older !== undefined && older.changedAt > item.changedAt) {
      newer = older;
      older = older.older as Item | undefined;
    }
    this.#link(newer, item);
    this.#link(item, older);
  }

  /** An item of the list has changed. What is older than its last change says nothing new. */
  touch(item: Item, position: number): void {
    if (position <= item.changedAt) return;
    item.changedAt = position;
    if (item === this.#newest) return;
    this.#link(item.newer as Item | undefined, item.older as Item | undefined);
    this.add(item);
  }

  /** What changed above a position, the latest first. */
  above(position: number): Item[] {
    const items: Item[] = [];
    for (let item = this.#newest; item !== undefined && item.changedAt > position; ) {
      items.push(item);
      item = item.older as Item | undefined;
    }
    return items;
  }

  #link(newer: Item | undefined, older: Item | undefined): void {
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older !== undefined) older.newer = newer;
  }
}
