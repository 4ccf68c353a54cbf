import type { AppendBatch, ReceiptRow } from '../append-batch.js';

const MAX_RECEIPTS = 20_000;

/** The receipts that a replica has seen since it listens, so that telling what changed asks no database. */
export class ReceiptLog {
  /** Nothing is missing above this position; undefined while nothing was seen. */
  #startsAfter: number | undefined;
  /** Of each room, the oldest first. */
  readonly #rooms = new Map<number, ReceiptRow[]>();
  #size = 0;

  covers(position: number): boolean {
    return this.#startsAfter !== undefined && position >= this.#startsAfter;
  }

  /** The receipts of a room above one position and up to another, of all users. */
  between(roomNid: number, above: number, upTo: number): ReceiptRow[] {
    const rows = this.#rooms.get(roomNid) ?? [];
    const first = rows.findLastIndex(({ position }) => position <= above) + 1;
    return rows.slice(first).filter(({ position }) => position <= upTo);
  }

  apply({ previousPosition, position, receipts }: AppendBatch): void {
    this.#startsAfter ??= previousPosition;
    for (const receipt of receipts) {
      const rows = this.#rooms.get(receipt.roomNid);
      if (rows === undefined) this.#rooms.set(receipt.roomNid, [receipt]);
      else rows.push(receipt);
    }
    this.#size += receipts.length;
    if (this.#size <= MAX_RECEIPTS) return;
    this.clear();
    this.#startsAfter = position;
  }

  clear(): void {
    this.#startsAfter = undefined;
    this.#rooms.clear();
    this.#size = 0;
  }
}
