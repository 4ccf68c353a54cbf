interface Waiting {
  readonly size: number;
  readonly resolve: () => void;
}

/** Lets so much happen at once, one after the other in the order in which they came; what is larger than all of it, alone. */
export class Budget {
  #spent = 0;
  readonly #waiting: Waiting[] = [];

  constructor(private readonly total: number) {}

  async spend<T>(size: number, run: () => Promise<T>): Promise<T> {
    const share = Math.min(size, this.total);
    await this.#take(share);
    try {
      return await run();
    } finally {
      this.#spent -= share;
      this.#goOn();
    }
  }

  async #take(size: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ size, resolve });
    this.#goOn();
    await promise;
  }

  #goOn(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#spent + next.size > this.total) return;
      this.#waiting.shift();
      this.#spent += next.size;
      next.resolve();
    }
  }
}
