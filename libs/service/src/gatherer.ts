interface Round<Item, Outcome> {
  readonly items: Item[];
  readonly done: PromiseWithResolvers<Outcome>;
}

/**
 * Delivers together what comes within a while. After a pause it delivers at once; from then on one round after the other,
 * each not before the time is over.
 */
export class Gatherer<Item, Outcome = void> {
  #next: Round<Item, Outcome> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  /** By the monotonic clock, in milliseconds. */
  #mayRunAt = 0;

  constructor(
    private readonly everyMs: number,
    private readonly deliver: (items: readonly Item[]) => Promise<Outcome>,
  ) {}

  /** Resolves once the item is delivered, with what became of its whole round. @throws what the delivery failed with */
  add(item: Item): Promise<Outcome> {
    this.#next ??= { items: [], done: Promise.withResolvers() };
    this.#next.items.push(item);
    this.#schedule();
    return this.#next.done.promise;
  }

  #schedule(): void {
    if (this.#isRunning || this.#timer !== undefined || this.#next === undefined) return;
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, this.#mayRunAt - performance.now()));
  }

  async #run(): Promise<void> {
    const { items, done } = this.#next!;
    this.#next = undefined;
    this.#timer = undefined;
    this.#isRunning = true;
    this.#mayRunAt = performance.now() + this.everyMs;
    await this.deliver(items).then(done.resolve, done.reject);
    this.#isRunning = false;
    this.#schedule();
  }
}
