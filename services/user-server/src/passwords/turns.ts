/** Lets a few work at once while the others wait in a line of limited length. */
export class Turns {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(
    atOnce: number,
    private readonly maxWaiting: number,
  ) {
    this.#free = atOnce;
  }

  /** What ends the turn; undefined when the line is full. */
  async take(): Promise<(() => void) | undefined> {
    if (this.#free > 0) this.#free--;
    else if (this.#line.length >= this.maxWaiting) return undefined;
    else await new Promise<void>((resolve) => this.#line.push(resolve));
    return () => this.#end();
  }

  #end(): void {
    const next = this.#line.shift();
    if (next) next();
    else this.#free++;
  }
}
