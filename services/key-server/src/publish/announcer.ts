import { type Bus, MessageTooLargeError, type PublishOptions } from '@ganglion/bus';
import { KEY_CHANGES, KEY_COUNTS_CHANGED, KEY_LOG_GREW } from '@ganglion/contracts';
import type { KeyChange } from '@ganglion/contracts/keys';
import type { Logger } from '@ganglion/telemetry';
import type { Announcements, DeviceName, KeyChangeRecord } from '../domain/ports.js';
import type { OutboxStore } from '../storage/outbox-store.js';

/** Older changes are those of a process that died, or whose bus was away: it publishes its own within milliseconds. */
const ABANDONED_AFTER_MS = 2_000;
const SWEEP_BATCH = 500;

/** Tells the other services over the bus: what its own process changes at once, and what others have left behind. */
export class Announcer implements Announcements {
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly bus: Bus,
    private readonly outbox: Pick<OutboxStore, 'olderThan' | 'remove'>,
    private readonly logger: Logger,
  ) {}

  changed(change: KeyChangeRecord): void {
    const telling = this.#publish([change])
      .catch((error: unknown) => {
        this.logger.warn({ err: error, user_id: change.userId }, 'a change of keys waits for the bus');
      })
      .finally(() => this.#running.delete(telling));
    this.#running.add(telling);
  }

  countsChanged(devices: readonly DeviceName[]): void {
    const names = devices.map(({ userId, deviceId }) => ({ userId, deviceId }));
    this.bus.broadcast(KEY_COUNTS_CHANGED, { devices: names });
  }

  /** Publishes what has waited too long. Should another replica do so, too, readers know it by its number. */
  async sweep(): Promise<void> {
    let count: number;
    do {
      const changes = await this.outbox.olderThan(ABANDONED_AFTER_MS, SWEEP_BATCH);
      count = changes.length;
      if (count > 0) await this.#publish(changes);
    } while (count === SWEEP_BATCH);
  }

  /** Resolves when nothing is on its way any more. */
  async drained(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #publish(changes: readonly KeyChangeRecord[]): Promise<void> {
    const messages = changes.map(({ userId, seq, listChanged, signedUserIds }) => ({
      ...{ key: userId, id: `${userId}/${seq}` },
      message: { userId, seq, listChanged, signedUserIds: [...signedUserIds] },
    }));
    try {
      await this.bus.publishAll(KEY_CHANGES, messages);
    } catch (error) {
      if (!(error instanceof MessageTooLargeError)) throw error;
      for (const { message, ...options } of messages) await this.#publishAlone(message, options);
    }
    this.bus.broadcast(KEY_LOG_GREW, {});
    await this.outbox.remove(changes);
  }

  /** What the bus will never take is left to the log, where readers find it when they notice the gap. */
  async #publishAlone(message: KeyChange, options: PublishOptions): Promise<void> {
    try {
      await this.bus.publish(KEY_CHANGES, message, options);
    } catch (error) {
      if (!(error instanceof MessageTooLargeError)) throw error;
      this.logger.error({ err: error, user_id: message.userId }, 'a change of keys is too large for the bus');
    }
  }
}
