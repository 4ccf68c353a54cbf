import type { ReceiptRow } from '../append-batch.js';

/** How far one user has read in one room: whichever of their receipts, public or private, is further ahead. */
export class ReadMarks {
  readonly #threads = new Map<string, number>();
  /** Everything up to here has been read, in whatever thread. */
  unthreaded = 0;
  /** Of the last receipt. */
  position = 0;
  /** How often they have changed. */
  version = 0;

  /** Whether there is any receipt at all. */
  get any(): boolean {
    return this.unthreaded > 0 || this.#threads.size > 0;
  }

  /** A thread, or the main timeline, has been read up to here. */
  readUpTo(threadId: string): number {
    return Math.max(this.unthreaded, this.#threads.get(threadId) ?? 0);
  }

  apply({ threadId, eventPosition, position }: Pick<ReceiptRow, 'threadId' | 'eventPosition' | 'position'>): void {
    this.version += 1;
    this.position = Math.max(this.position, position);
    if (threadId === '') this.unthreaded = Math.max(this.unthreaded, eventPosition);
    else this.#threads.set(threadId, Math.max(this.#threads.get(threadId) ?? 0, eventPosition));
  }
}
