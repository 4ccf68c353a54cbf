import type { ResetReason } from './bus.js';
import type { BusLogger } from './options.js';

/** Who wants to know that messages may be missing. */
export class ResetListeners {
  readonly #listeners = new Set<(reason: ResetReason) => void>();
  readonly #logger: BusLogger;

  constructor(logger: BusLogger) {
    this.#logger = logger;
  }

  add(listener: (reason: ResetReason) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(reason: ResetReason): void {
    this.#logger.warn({ reset: reason }, 'messages may be missing; consumers catch up from the owners');
    for (const listener of this.#listeners) {
      try {
        listener(reason);
      } catch (error) {
        this.#logger.error({ err: error }, 'a reset listener failed');
      }
    }
  }
}
