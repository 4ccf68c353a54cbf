import { type Bus, MessageTooLargeError, type PublishOptions } from '@ganglion/bus';
import { USER_CHANGES } from '@ganglion/contracts';
import type { UserChanges } from '@ganglion/contracts/user';
import type { Counter, Logger, Metrics } from '@ganglion/telemetry';
import type { UserChangeRecord } from '../domain/ports.js';
import type { OutboxStore } from '../storage/outbox-store.js';
import { userChangesOf } from './user-changes.js';

/** Older changes are those of a process that died, or whose bus was away: it publishes its own within milliseconds. */
const ABANDONED_AFTER_MS = 1_000;
const SWEEP_BATCH = 500;

/** Publishes what the outbox holds: its own process' changes at once, and what others left behind. */
export class OutboxPublisher {
  readonly #published: Counter;
  #waiting: UserChangeRecord[] = [];
  #running: Promise<void> | undefined;

  constructor(
    private readonly outbox: OutboxStore,
    private readonly bus: Bus,
    private readonly logger: Logger,
    metrics: Metrics,
  ) {
    this.#published = metrics.counter({
      name: 'ganglion_user_changes_published_total',
      help: "Changes of users' data that were published, by who did it.",
      labels: { by: ['writer', 'sweeper'] },
    });
  }

  /** Publishes committed changes soon; what fails is left to the sweeper. */
  publish(changes: readonly UserChangeRecord[]): void {
    this.#waiting.push(...changes);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Publishes what has waited too long. */
  async sweep(): Promise<void> {
    if (!(await this.outbox.hasOlderThan(ABANDONED_AFTER_MS))) return;
    let count: number;
    do {
      count = await this.outbox.drain(ABANDONED_AFTER_MS, SWEEP_BATCH, (changes) => this.#send(changes));
      this.#published.inc({ by: 'sweeper' }, count);
    } while (count === SWEEP_BATCH);
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const changes = this.#waiting.sort((a, b) => a.outboxId - b.outboxId);
      this.#waiting = [];
      try {
        await this.#send(changes);
        await this.outbox.remove(changes.map((change) => change.outboxId));
        this.#published.inc({ by: 'writer' }, changes.length);
      } catch (error) {
        this.logger.warn({ err: error, changes: changes.length }, 'changes of users wait for the bus');
      }
    }
  }

  async #send(changes: readonly UserChangeRecord[]): Promise<void> {
    const messages = changes.map((change) => ({
      key: change.userId,
      id: `${change.userId}/${change.userSeq}`,
      message: userChangesOf(change.userId, [change]),
    }));
    try {
      await this.bus.publishAll(USER_CHANGES, messages);
    } catch (error) {
      if (!(error instanceof MessageTooLargeError)) throw error;
      for (const { message, ...options } of messages) await this.#sendAlone(message, options);
    }
  }

  /** What the bus will never take is left to the log, where consumers find it when they notice the gap. */
  async #sendAlone(message: UserChanges, options: PublishOptions): Promise<void> {
    try {
      await this.bus.publish(USER_CHANGES, message, options);
    } catch (error) {
      if (!(error instanceof MessageTooLargeError)) throw error;
      this.logger.error({ err: error }, 'a change of a user is too large for the bus');
    }
  }
}
