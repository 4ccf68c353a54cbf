import { setTimeout as sleep } from 'node:timers/promises';
import { type Bus, jsonCodec, type Subscription, type Topic } from '@ganglion/bus';
import type { Lease, Term } from '@ganglion/database';
import type { Logger } from '@ganglion/telemetry';
import type { SearchIndexer } from '../domain/search/search-indexer.js';

/** That somebody waits for what is new to be found: a hint, so that they do not wait for the next look. */
export const SEARCH_WANTED: Topic<Record<string, never>> = {
  name: 'sync-search-wanted',
  codec: jsonCodec(() => ({})),
};

const LOOK_EVERY_MS = 1_000;
/** Between pages of what is old, so that nobody notices. */
const OLD_EVERY_MS = 50;
const LOOK_FOR_BACKFILLED_EVERY_MS = 5_000;
const RETRY_MS = 2_000;

/** Keeps the index of words up to date: one replica at a time does, whichever holds the lease. */
export class SearchIndexing {
  #subscription: Subscription | undefined;
  #wake = new AbortController();
  /** When to look for what was backfilled next. */
  #backfilledAt = 0;

  constructor(
    private readonly indexer: SearchIndexer,
    private readonly lease: Lease,
    private readonly bus: Bus,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    this.#subscription = await this.bus.listen(SEARCH_WANTED, () => this.#wake.abort());
    void this.lease.run((term) => this.#follow(term));
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
    await this.lease.close();
  }

  /** Nobody is told of what is backfilled; to look for it goes through all rooms that have any. */
  async #readBackfilled(): Promise<boolean> {
    if (performance.now() < this.#backfilledAt) return false;
    const isAny = await this.indexer.readBackfilled();
    if (!isAny) this.#backfilledAt = performance.now() + LOOK_FOR_BACKFILLED_EVERY_MS;
    return isAny;
  }

  async #follow({ signal }: Term): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      let pauseMs = LOOK_EVERY_MS;
      try {
        await this.indexer.readNews();
        const isOld = (await this.indexer.readOld()) || (await this.#readBackfilled());
        if (isOld) pauseMs = OLD_EVERY_MS;
      } catch (error) {
        if (!signal.aborted) this.logger.warn({ err: error }, 'events could not be read for search yet');
        pauseMs = RETRY_MS;
      }
      await sleep(pauseMs, undefined, { signal: AbortSignal.any([signal, this.#wake.signal]) }).catch(() => {});
    }
  }
}
