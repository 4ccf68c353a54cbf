import { type Bus, jsonCodec, type Subscription, type Topic } from '@ganglion/bus';
import type { Logger } from '@ganglion/telemetry';
import { type Appender, TermOverError } from '../domain/append/appender.js';
import type { TypingNote, TypingRooms } from '../domain/append/typing-rooms.js';
import type { ReceiptModel } from '../domain/ports/receipt-model.js';

/** What replicas tell the appender of who is typing. What gets lost is told again by the client within seconds. */
export const TYPING: Topic<TypingNote> = { name: 'sync-typing', codec: jsonCodec((input) => input as TypingNote) };

/** That receipts wait in the database to be placed: a hint, so that nobody waits for the next look. */
export const RECEIPTS: Topic<Record<string, never>> = { name: 'sync-receipts', codec: jsonCodec(() => ({})) };

export interface EphemeralIntakeDependencies {
  readonly bus: Bus;
  readonly receipts: ReceiptModel;
  readonly typing: TypingRooms;
  readonly appender: Appender;
  readonly logger: Logger;
  /** Aborted when the term turns out to be over. */
  readonly over: AbortController;
}

const LOOK_EVERY_MS = 1_000;
const MAX_RECEIPTS = 500;

/**
 * Brings the appender, for its term, what is not announced on a stream: receipts, which wait for it in the database, and
 * who is typing. It looks once a second, and at once when it is told to.
 */
export class EphemeralIntake {
  #subscriptions: Subscription[] = [];
  #timer: NodeJS.Timeout | undefined;
  #placing: Promise<void> | undefined;
  #again = false;

  constructor(private readonly deps: EphemeralIntakeDependencies) {}

  async start(): Promise<void> {
    const { bus, appender } = this.deps;
    this.#subscriptions = await Promise.all([
      bus.listen(RECEIPTS, () => this.#placeReceipts()),
      bus.listen(TYPING, (typing) => this.#try(() => appender.append({ typing }))),
    ]);
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#placeReceipts();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#subscriptions.map((subscription) => subscription.stop()));
    await this.#placing;
  }

  #look(): void {
    const { typing, appender } = this.deps;
    if (typing.isDue(Date.now())) this.#try(() => appender.append({ typing: undefined }));
    this.#placeReceipts();
  }

  /** One round after the other; what comes during a round is looked for in the next. */
  #placeReceipts(): void {
    this.#again = true;
    this.#placing ??= this.#try(async () => {
      try {
        while (this.#again) this.#again = await this.#placeSome();
      } finally {
        this.#placing = undefined;
      }
    });
  }

  /** Whether there may be more. */
  async #placeSome(): Promise<boolean> {
    this.#again = false;
    const receipts = await this.deps.receipts.unplaced(MAX_RECEIPTS);
    if (receipts.length > 0) await this.deps.appender.append({ receipts });
    return this.#again || receipts.length === MAX_RECEIPTS;
  }

  /** What fails is tried again by the next look. */
  #try(run: () => Promise<void>): Promise<void> {
    return run().catch((error: unknown) => {
      if (error instanceof TermOverError) this.deps.over.abort();
      else this.deps.logger.warn({ err: error }, 'receipts or typing could not be appended yet');
    });
  }
}
