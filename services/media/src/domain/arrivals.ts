import type { FileStore } from './ports/file-store.js';

const LOOK_EVERY_MS = 250;

/** Knows when files arrive that somebody waits for, whichever replica they arrive at: one question for all who wait. */
export class Arrivals {
  readonly #waiting = new Map<number, Set<() => void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly files: FileStore) {}

  /** Resolves when the file has been uploaded or is no more, or the time is over. */
  wait(fileNid: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(late);
        this.#remove(fileNid, done);
        resolve();
      };
      const late = setTimeout(done, timeoutMs);
      this.#waiting.set(fileNid, (this.#waiting.get(fileNid) ?? new Set()).add(done));
      this.#timer ??= setTimeout(() => void this.#look(), LOOK_EVERY_MS);
    });
  }

  /** Nobody waits any longer. */
  stop(): void {
    clearTimeout(this.#timer);
    for (const done of [...this.#waiting.values()].flatMap((waiters) => [...waiters])) done();
  }

  async #look(): Promise<void> {
    // While the database is away, whoever waits waits on.
    const settled = await this.files.settled([...this.#waiting.keys()]).catch(() => []);
    for (const fileNid of settled) for (const done of [...(this.#waiting.get(fileNid) ?? [])]) done();
    this.#timer = this.#waiting.size > 0 ? setTimeout(() => void this.#look(), LOOK_EVERY_MS) : undefined;
  }

  #remove(fileNid: number, done: () => void): void {
    const waiters = this.#waiting.get(fileNid);
    waiters?.delete(done);
    if (waiters?.size === 0) this.#waiting.delete(fileNid);
  }
}
