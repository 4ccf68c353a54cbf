import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@ganglion/telemetry';

/** What wakes a reader may be lost. */
const READ_EVERY_MS = 2_000;
/** Many commits are read together. */
const GATHER_MS = 50;
const RETRY_MS = 500;

export interface FollowingOptions {
  /** What is read, for the log. */
  readonly what: string;
  /** Reads to the end. Resolves with whether something has come to be sent. */
  readonly read: (signal: AbortSignal) => Promise<boolean>;
  /** What was read can be sent now. */
  readonly afterwards: () => Promise<void>;
  /** So many milliseconds are between two readings, so that much of what comes is read together. */
  readonly gatherMs?: number;
  readonly logger: Logger;
}

/** Reads what one owner tells, whenever there may be something new, and every two seconds as well. */
export class Following {
  #wake = Promise.withResolvers<void>();

  constructor(private readonly options: FollowingOptions) {}

  wake(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  /** Until aborted. What fails is tried again, and keeps nobody else from reading. */
  async run(signal: AbortSignal): Promise<void> {
    const { what, read, afterwards, gatherMs = GATHER_MS, logger } = this.options;
    let readAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const woken = this.#wake.promise;
      try {
        readAt = performance.now();
        if (await read(signal)) await afterwards();
        await Promise.race([woken, sleep(READ_EVERY_MS, undefined, { signal })]).catch(() => {});
        // What comes alone is read at once.
        const waitMs = readAt + gatherMs - performance.now();
        if (waitMs > 0) await sleep(waitMs);
      } catch (err) {
        logger.warn({ err }, `${what} could not be read for other servers; it will be tried again`);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  }
}
