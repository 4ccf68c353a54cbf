import type { AppendBatch, ReceiptRow } from '../append-batch.js';

/** Of each room, the oldest first. */
type Rows = Map<number, ReceiptRow[]>;

/** In each of two generations. */
const MAX_RECEIPTS = 30_000;

/** The receipts that a replica has seen lately, so that telling what changed asks no database. */
export class ReceiptLog {
  /** Nothing is missing above this position. */
  #startsAfter = Number.POSITIVE_INFINITY;
  /** Where the younger generation starts. */
  #turnedAt = 0;
  #older: Rows = new Map();
  #younger: Rows = new Map();
  #size = 0;

  begin(position: number): void {
    this.#startsAfter = position;
    this.#turnedAt = position;
    this.#older = new Map();
    this.#younger = new Map();
    this.#size = 0;
  }

  covers(position: number): boolean {
    return position >= this.#startsAfter;
  }

  /** The receipts of a room above one position and up to another, of all users. */
  between(roomNid: number, above: number, upTo: number): ReceiptRow[] {
    const rows = [...(this.#older.get(roomNid) ?? []), ...(this.#younger.get(roomNid) ?? [])];
    const first = rows.findLastIndex(({ position }) => position <= above) + 1;
    return rows.slice(first).filter(({ position }) => position <= upTo);
  }

  apply({ position, receipts }: Pick<AppendBatch, 'position' | 'receipts'>): void {
    for (const receipt of receipts) {
      const rows = this.#younger.get(receipt.roomNid);
      if (rows === undefined) this.#younger.set(receipt.roomNid, [receipt]);
      else rows.push(receipt);
    }
    this.#size += receipts.length;
    if (this.#size >= MAX_RECEIPTS) this.#turn(position);
  }

  /** The older generation is forgotten, and the younger one is older now. */
  #turn(position: number): void {
    this.#startsAfter = this.#turnedAt;
    this.#turnedAt = position;
    this.#older = this.#younger;
    this.#younger = new Map();
    this.#size = 0;
  }
}
