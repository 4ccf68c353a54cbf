import type { Logger } from '@ganglion/telemetry';

/** Does something every so often, never twice at once, until stopped. */
export class Periodically {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(
    private readonly what: string,
    private readonly everyMs: number,
    private readonly run: () => Promise<void>,
    private readonly logger: Logger,
  ) {}

  /** @param atOnce whether the first time is now, and not after a while */
  start({ atOnce = false } = {}): void {
    if (atOnce) this.#running ??= this.#once();
    this.#timer = setInterval(() => {
      this.#running ??= this.#once();
    }, this.everyMs);
    this.#timer.unref();
  }

  /** Resolves when the last run has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #once(): Promise<void> {
    try {
      await this.run();
    } catch (error) {
      this.logger.warn({ err: error }, `${this.what} failed; it will be tried again`);
    }
    this.#running = undefined;
  }
}
