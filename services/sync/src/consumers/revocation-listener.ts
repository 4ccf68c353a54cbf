import type { Bus, Subscription } from '@ganglion/bus';
import { TOKENS_REVOKED } from '@ganglion/contracts';
import { Periodically } from '@ganglion/service';
import type { Logger } from '@ganglion/telemetry';
import type { EndedInboxes } from '../domain/devices/ended-inboxes.js';

const SWEEP_EVERY_MS = 60 * 60_000;

/** Forgets what waits for devices when they end; a broadcast that is lost is made up for by a look at all of them. */
export class RevocationListener {
  readonly #running = new Set<Promise<void>>();
  readonly #sweeps: Periodically;
  #subscription: Subscription | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly inboxes: EndedInboxes,
    private readonly logger: Logger,
  ) {
    this.#sweeps = new Periodically(
      'forgetting messages to ended devices',
      SWEEP_EVERY_MS,
      () => inboxes.sweep(),
      logger,
    );
  }

  async start(): Promise<void> {
    this.#subscription = await this.bus.listen(TOKENS_REVOKED, ({ userId, replaced }) => {
      if (!replaced) this.#look(userId);
    });
    this.#sweeps.start();
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
    await Promise.all([...this.#running, this.#sweeps.stop()]);
  }

  #look(userId: string): void {
    const look = this.inboxes
      .reconcile([userId])
      .catch((error: unknown) => {
        this.logger.warn({ err: error, user_id: userId }, 'messages to ended devices could not be forgotten yet');
      })
      .finally(() => this.#running.delete(look));
    this.#running.add(look);
  }
}
