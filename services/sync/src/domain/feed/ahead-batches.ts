import type { AppendBatch } from '../append-batch.js';

const MAX_BATCHES = 500;

/** Batches that came before something that they follow on, which is being read: with them, the feed goes on from there. */
export class AheadBatches {
  #batches: AppendBatch[] = [];

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** When there are too many, they are read, too. */
  add(batch: AppendBatch): void {
    if (this.#batches.length >= MAX_BATCHES) this.clear();
    this.#batches.push(batch);
  }

  clear(): void {
    this.#batches = [];
  }

  /** Takes out those that follow on a position, one on the other; the ones from before it are dropped. */
  after(position: number): AppendBatch[] {
    const following: AppendBatch[] = [];
    let reached = position;
    for (const batch of this.#batches) {
      if (batch.previousPosition !== reached) continue;
      following.push(batch);
      reached = batch.position;
    }
    this.#batches = this.#batches.filter(({ previousPosition }) => previousPosition > reached);
    return following;
  }
}
