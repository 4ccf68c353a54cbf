import { DUPLICATE_WINDOW_MS } from '../options.js';

const MAX_IDS = 16_384;

/** The ids of what was published lately: at least the last 16,384 or those of the duplicate window, whichever are fewer. */
export class RecentIds {
  #current = new Set<string>();
  #previous = new Set<string>();
  #since = performance.now();

  /** Whether the id is new; it is not from then on. */
  add(id: string): boolean {
    if (this.#current.has(id) || this.#previous.has(id)) return false;
    if (this.#current.size >= MAX_IDS || performance.now() - this.#since > DUPLICATE_WINDOW_MS) this.#rotate();
    this.#current.add(id);
    return true;
  }

  #rotate(): void {
    this.#previous = this.#current;
    this.#current = new Set();
    this.#since = performance.now();
  }
}
