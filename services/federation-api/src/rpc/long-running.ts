import { setTimeout as sleep } from 'node:timers/promises';

/** Well below what a call between services may take. */
const ANSWER_AFTER_MS = 6_000;
/** For so long somebody may come back for what became of it. */
const KEPT_MS = 60_000;

/** Work that takes longer than a call may: whoever asks again for the same waits for what is running already. */
export class LongRunning {
  readonly #running = new Map<string, Promise<void>>();

  constructor(private readonly answerAfterMs = ANSWER_AFTER_MS) {}

  /** @throws whatever the work fails with, to whoever asks then */
  async run(key: string, work: () => Promise<void>): Promise<{ pending: boolean }> {
    const running = this.#running.get(key) ?? this.#begin(key, work);
    const late = new AbortController();
    const timer = sleep(this.answerAfterMs, true, { signal: late.signal }).catch(() => true);
    try {
      const pending = await Promise.race([running.then(() => false), timer]);
      if (!pending) this.#forget(key, running);
      return { pending };
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

  #begin(key: string, work: () => Promise<void>): Promise<void> {
    const running = work();
    this.#running.set(key, running);
    const forgetLater = () => setTimeout(() => this.#forget(key, running), KEPT_MS).unref();
    running.then(forgetLater, forgetLater);
    return running;
  }

  #forget(key: string, running: Promise<void>): void {
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}
