import type { ReceiptRow } from '../append-batch.js';

/** How far one user has read in one room: whichever of their receipts, public or private, is further ahead. */
export class ReadMarks {
  /** Up to where each receipt goes, by its kind. In most rooms, most people have none. */
  #receipts: Map<string, number> | undefined;
  /** Everything up to here has been read, in whatever thread. */
  unthreaded = 0;
  /** Of the last receipt. */
  position = 0;
  /** How often they have changed. */
  version = 0;

  /** A thread, or the main timeline, has been read up to here. */
  readUpTo(threadId: string): number {
    const [shown, hidden] = [this.receipt('m.read', threadId), this.receipt('m.read.private', threadId)];
    return Math.max(this.unthreaded, shown ?? 0, hidden ?? 0);
  }

  /** Up to where the receipt of one kind goes; undefined when there is none. */
  receipt(type: string, threadId: string): number | undefined {
    return this.#receipts?.get(`${type} ${threadId}`);
  }

  apply(receipt: Pick<ReceiptRow, 'type' | 'threadId' | 'eventPosition' | 'position'>): void {
    const { type, threadId, eventPosition, position } = receipt;
    this.#receipts ??= new Map();
    this.#receipts.set(`${type} ${threadId}`, Math.max(this.receipt(type, threadId) ?? eventPosition, eventPosition));
    this.version += 1;
    this.position = Math.max(this.position, position);
    if (threadId === '') this.unthreaded = Math.max(this.unthreaded, eventPosition);
  }
}
