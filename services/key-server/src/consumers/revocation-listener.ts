import type { Bus, Subscription } from '@ganglion/bus';
import { TOKENS_REVOKED } from '@ganglion/contracts';
import type { Logger } from '@ganglion/telemetry';
import type { EndedDevices } from '../domain/ended-devices.js';

/**
 * Looks for ended devices at once when a user's tokens end. A broadcast that is lost is made up for by DeviceLogFollower.
 */
export class RevocationListener {
  readonly #running = new Set<Promise<void>>();
  #subscription: Subscription | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly endedDevices: EndedDevices,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    this.#subscription = await this.bus.listen(TOKENS_REVOKED, ({ userId, replaced }) => {
      if (!replaced) this.#look(userId);
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
    await Promise.all(this.#running);
  }

  #look(userId: string): void {
    const look = this.endedDevices
      .reconcile(userId)
      .catch((error: unknown) => {
        this.logger.warn({ err: error, user_id: userId }, 'the keys of ended devices could not be removed yet');
      })
      .finally(() => this.#running.delete(look));
    this.#running.add(look);
  }
}
