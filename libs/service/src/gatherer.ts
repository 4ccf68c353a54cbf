interface Round<Item, Outcome> {
  readonly items: Item[];
  readonly done: PromiseWithResolvers<Outcome>;
}

/**
 * Delivers together what comes within a while. After a pause it delivers at once; from then on one round after the other,
 * each not before the time is over.
 */
export class Gatherer<Item, Outcome = void> {
  /** Those that wait, in their order. */
  readonly #rounds: Round<Item, Outcome>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  /** By the monotonic clock, in milliseconds. */
  #mayRunAt = 0;

  constructor(
    private readonly everyMs: number,
    private readonly deliver: (items: readonly Item[]) => Promise<Outcome>,
    /** One round has no more items than these; more go with the rounds that follow. */
    private readonly maxItems = Number.POSITIVE_INFINITY,
  ) {}

  /** Resolves once the item is delivered, with what became of its whole round. @throws what the delivery failed with */
  add(item: Item): Promise<Outcome> {
    let round = this.#rounds.at(-1);
    if (round === undefined || round.items.length >= this.maxItems) {
      round = { items: [], done: Promise.withResolvers() };
      this.#rounds.push(round);
    }
    round.items.push(item);
    this.#schedule();
    return round.done.promise;
  }

  #schedule(): void {
    if (this.#isRunning || this.#timer !== undefined || this.#rounds.length === 0) return;
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, this.#mayRunAt - performance.now()));
  }

  async #run(): Promise<void> {
    const { items, done } = this.#rounds.shift()!;
    this.#timer = undefined;
    this.#isRunning = true;
    this.#mayRunAt = performance.now() + this.everyMs;
    await this.deliver(items).then(done.resolve, done.reject);
    this.#isRunning = false;
    this.#schedule();
  }
}
