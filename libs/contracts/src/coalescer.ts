interface Waiting<K, V> {
  readonly key: K;
  readonly resolve: (value: V) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_BATCH = 500;

/** Turns the look-ups of one turn of the event loop into one. */
export class Coalescer<K, V> {
  #waiting: Waiting<K, V>[] = [];

  /**
   * @param loadAll answers in the order asked
   * @param maxBatch how many at once: few where each may be much
   */
  constructor(
    private readonly loadAll: (keys: readonly K[]) => Promise<readonly V[]>,
    private readonly maxBatch = MAX_BATCH,
  ) {}

  load(key: K): Promise<V> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ key, resolve, reject });
    });
  }

  #flush(): void {
    const all = this.#waiting;
    this.#waiting = [];
    const { maxBatch } = this;
    for (let start = 0; start < all.length; start += maxBatch) void this.#answer(all.slice(start, start + maxBatch));
  }

  async #answer(batch: readonly Waiting<K, V>[]): Promise<void> {
    try {
      const values = await this.loadAll(batch.map(({ key }) => key));
      batch.forEach(({ resolve }, index) => {
        resolve(values[index] as V);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
