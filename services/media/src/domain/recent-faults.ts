const DEFAULT_MS = 600_000;
const MOST = 10_000;

/** What failed a short while ago and would fail again, so that nobody has the same work done in vain over and over. */
export class RecentFaults<T> {
  readonly #faults = new Map<string, { readonly fault: T; readonly untilMs: number }>();

  constructor(private readonly rememberedMs = DEFAULT_MS) {}

  of(name: string): T | undefined {
    const known = this.#faults.get(name);
    if (known === undefined || known.untilMs > Date.now()) return known?.fault;
    this.#faults.delete(name);
    return undefined;
  }

  /** @param rememberedMs for how long, if not for as long as all others */
  note(name: string, fault: T, rememberedMs = this.rememberedMs): void {
    this.#faults.delete(name);
    this.#faults.set(name, { fault, untilMs: Date.now() + rememberedMs });
    // The oldest goes first.
    for (const oldest of this.#faults.keys()) {
      if (this.#faults.size <= MOST) break;
      this.#faults.delete(oldest);
    }
  }
}
