import { DUPLICATE_WINDOW_MS } from '../options.js';

const MAX_IDS = 16_384;

/** The ids of what was published within the duplicate window; of very many, the newest. */
export class RecentIds {
  #current = new Set<string>();
  #previous = new Set<string>();
  #since = performance.now();

  /** Whether the id is new; it is not from then on. */
  add(id: string): boolean {
    const age = performance.now() - this.#since;
    if (age > 2 * DUPLICATE_WINDOW_MS) this.#current.clear();
    if (age > DUPLICATE_WINDOW_MS || this.#current.size >= MAX_IDS) this.#rotate();
    if (this.#current.has(id) || this.#previous.has(id)) return false;
    this.#current.add(id);
    return true;
  }

  #rotate(): void {
    this.#previous = this.#current;
    this.#current = new Set();
    this.#since = performance.now();
  }
}
