import { setTimeout as sleep } from 'node:timers/promises';

/** Well below what a call between services may take. */
const ANSWER_AFTER_MS = 6_000;
/** For so long somebody may come back for what became of it. */
const KEPT_MS = 60_000;

/** What became of the work, or that it still goes on. */
export type Progress<T> = { readonly pending: true } | { readonly pending: false; readonly result: T };

/** Work that takes longer than a call may: whoever asks again for the same waits for what is running already. */
export class LongRunning<T = void> {
  readonly #running = new Map<string, Promise<T>>();

  constructor(private readonly answerAfterMs = ANSWER_AFTER_MS) {}

  /** @throws whatever the work fails with, to whoever asks then */
  async run(key: string, work: () => Promise<T>): Promise<Progress<T>> {
    const running = this.#running.get(key) ?? this.#begin(key, work);
    const late = new AbortController();
    const pending: Promise<Progress<T>> = sleep(this.answerAfterMs, undefined, { signal: late.signal }).then(
      () => ({ pending: true }) as const,
      () => ({ pending: true }) as const,
    );
    try {
      const progress = await Promise.race([running.then((result) => ({ pending: false, result }) as const), pending]);
      if (!progress.pending) this.#forget(key, running);
      return progress;
    } catch (error) {
      this.#forget(key, running);
      throw error;
    } finally {
      late.abort();
    }
  }

  /** Waits for what runs. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  #begin(key: string, work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#running.set(key, running);
    const forgetLater = () => setTimeout(() => this.#forget(key, running), KEPT_MS).unref();
    running.then(forgetLater, forgetLater);
    return running;
  }

  #forget(key: string, running: Promise<T>): void {
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}
