import { type Bus, jsonCodec, type Subscription, type Topic } from '@ganglion/bus';
import { Gatherer } from '@ganglion/service';
import type { Logger } from '@ganglion/telemetry';
import { type Appender, TermOverError } from '../domain/append/appender.js';
import type { DeviceMessageModel } from '../domain/ports/device-message-model.js';

/** That messages to devices wait in the database to be placed: a hint, so that nobody waits for the next look. */
export const DEVICE_MESSAGES: Topic<Record<string, never>> = {
  name: 'sync-device-messages',
  codec: jsonCodec(() => ({})),
};

export interface DeviceMessageIntakeDependencies {
  readonly bus: Bus;
  readonly deviceMessages: Pick<DeviceMessageModel, 'handedOver'>;
  readonly appender: Appender;
  readonly logger: Logger;
  /** Aborted when the term turns out to be over. */
  readonly over: AbortController;
}

const LOOK_EVERY_MS = 250;
/** Looks. While the bus is away nobody can give a hint, and each of them is for messages. */
const LOOK_EVERY = 4;
/** What comes meanwhile is placed together. */
const PLACE_EVERY_MS = 5;
/** Of up to 500 messages each. */
const MAX_LISTS = 4;

/** Brings the appender, for its term, what devices send to each other, which waits for it in the database. */
export class DeviceMessageIntake {
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #placing: Promise<void> = Promise.resolve();
  readonly #rounds = new Gatherer<void>(PLACE_EVERY_MS, () => this.#place());

  constructor(private readonly deps: DeviceMessageIntakeDependencies) {}

  async start(): Promise<void> {
    this.#subscription = await this.deps.bus.listen(DEVICE_MESSAGES, () => this.#look());
    this.#timer = setInterval(() => {
      this.#looks += 1;
      if (!this.deps.bus.connected || this.#looks % LOOK_EVERY === 0) this.#look();
    }, LOOK_EVERY_MS);
    this.#look();
  }

  /** What is under way is ended; what has not begun waits for the next term. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#subscription?.stop();
    await this.#placing;
  }

  /** What fails is tried again by the next look. */
  #look(): void {
    this.#placing = this.#rounds.add().catch((error: unknown) => {
      if (error instanceof TermOverError) this.deps.over.abort();
      else this.deps.logger.warn({ err: error }, 'messages to devices could not be placed yet');
    });
  }

  async #place(): Promise<void> {
    const { deviceMessages, appender, over } = this.deps;
    while (!over.signal.aborted) {
      const lists = await deviceMessages.handedOver(MAX_LISTS);
      if (lists.length === 0) return;
      await appender.append({ deviceMessages: lists });
      if (lists.length < MAX_LISTS) return;
    }
  }
}
