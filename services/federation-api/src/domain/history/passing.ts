/** Things that are so for a while. */
export class Passing {
  /** Until when, in the order of their noting. */
  readonly #until = new Map<string, number>();

  constructor(
    private readonly lastsMs: number,
    private readonly most: number,
  ) {}

  note(name: string): void {
    this.#until.delete(name);
    this.#until.set(name, Date.now() + this.lastsMs);
    const [oldest] = this.#until.keys();
    if (this.#until.size > this.most && oldest !== undefined) this.#until.delete(oldest);
  }

  has(name: string): boolean {
    return (this.#until.get(name) ?? 0) > Date.now();
  }
}
