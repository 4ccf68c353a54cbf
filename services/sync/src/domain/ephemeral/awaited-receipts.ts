import type { AppendBatch } from '../append-batch.js';
import type { NewReceipt } from '../ports/receipt-model.js';

type Kind = Pick<NewReceipt, 'roomNid' | 'userId' | 'type' | 'threadId'>;

interface Waiting {
  readonly eventPosition: number;
  readonly resolve: () => void;
}

const LONGEST_WAIT_MS = 2_000;

/** Who waits until the feed brings their receipt. */
export class AwaitedReceipts {
  readonly #waiting = new Map<string, Set<Waiting>>();

  /** Who waits goes on waiting: what they wait for may have been read, but nobody looks for it. */
  begin(): void {}

  apply({ receipts }: Pick<AppendBatch, 'receipts'>): void {
    if (this.#waiting.size === 0) return;
    for (const receipt of receipts) {
      for (const { eventPosition, resolve } of this.#waiting.get(keyOf(receipt)) ?? []) {
        if (eventPosition <= receipt.eventPosition) resolve();
      }
    }
  }

  /** Resolves when the feed has brought a receipt, or one of the same kind that is further ahead; in two seconds in any case. */
  async wait(receipt: NewReceipt): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const key = keyOf(receipt);
    const waiting = { eventPosition: receipt.eventPosition, resolve };
    const together = this.#waiting.get(key) ?? new Set<Waiting>();
    this.#waiting.set(key, together.add(waiting));
    const timer = setTimeout(resolve, LONGEST_WAIT_MS);
    await promise;
    clearTimeout(timer);
    together.delete(waiting);
    if (together.size === 0 && this.#waiting.get(key) === together) this.#waiting.delete(key);
  }
}

function keyOf({ roomNid, userId, type, threadId }: Kind): string {
  return `${roomNid} ${userId} ${type} ${threadId}`;
}
