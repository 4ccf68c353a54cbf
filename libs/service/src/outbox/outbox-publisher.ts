import type { Bus } from '@ganglion/bus';
import type { Logger } from '@ganglion/telemetry';
import { type Outbox, OutboxSweeper, type SweepOptions } from './outbox-sweeper.js';
import { publishFitting } from './publish-fitting.js';

/** An outbox whose entries carry all that is told. */
export interface WholeOutbox<Entry, Message> extends Outbox<Entry, Message> {
  /** The number of a change among those with its key. */
  seqOf(entry: Entry): number;
}

/** Publishes what an outbox holds: its own process' changes at once, and what others left behind. */
export class OutboxPublisher<Entry, Message> {
  readonly #sweeper: OutboxSweeper<Entry, Message>;
  #waiting: Entry[] = [];
  #running: Promise<void> | undefined;

  constructor(
    private readonly outbox: WholeOutbox<Entry, Message>,
    private readonly bus: Bus,
    private readonly logger: Logger,
    options?: SweepOptions,
  ) {
    this.#sweeper = new OutboxSweeper(outbox, bus, logger, options);
  }

  /** Publishes committed changes soon; what fails is left to the sweep. */
  publish(entries: readonly Entry[]): void {
    this.#waiting.push(...entries);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // What has come since the last look.
      if (this.#waiting.length > 0) this.publish([]);
    });
  }

  /** Publishes what has waited too long. @see OutboxSweeper.sweep */
  sweep(): Promise<void> {
    return this.#sweeper.sweep();
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** What comes while some are under way goes with the next: transactions of one key may end in another order. */
  async #run(): Promise<void> {
    const { outbox } = this;
    while (this.#waiting.length > 0) {
      const entries = this.#waiting.sort((a, b) => outbox.seqOf(a) - outbox.seqOf(b));
      this.#waiting = [];
      try {
        const messages = await Promise.all(entries.map((entry) => outbox.messagesOf(entry)));
        await publishFitting(this.bus, outbox.stream, messages.flat(), this.logger);
        outbox.onPublished?.(entries.length, 'writer');
        await outbox.store.remove(entries);
      } catch (error) {
        const waiting = { stream: outbox.stream.name, changes: entries.length };
        this.logger.warn({ err: error, ...waiting }, 'changes wait for the bus');
      }
    }
  }
}
