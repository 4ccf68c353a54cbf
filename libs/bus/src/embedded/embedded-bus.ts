import type {
  BatchHandler,
  Bus,
  ConsumerDefinition,
  OutgoingMessage,
  ParkedMessage,
  PublishOptions,
  ResetReason,
  StreamDefinition,
  Subscription,
  Topic,
  TopicHandler,
} from '../bus.js';
import { BusClosedError, BusUnavailableError } from '../errors.js';
import { checkConsumer, checkStream, checkTopic } from '../names.js';
import { type BusEnvironment, type BusOptions, environmentOf } from '../options.js';
import { ResetListeners } from '../reset-listeners.js';
import { EmbeddedDeadLetters } from './embedded-dead-letters.js';
import { EmbeddedStream } from './embedded-stream.js';
import { EmbeddedTopics } from './embedded-topics.js';

export interface EmbeddedBusOptions extends BusOptions {
  /** How many messages a consumer may be behind before publishers have to wait for it. */
  readonly capacity?: number;
}

const CAPACITY = 10_000;
const PARKED = 100;

/**
 * A bus within this process. Messages are passed by reference, so nobody may change them. What was not handled when the
 * process ends is gone: a durable begins with its declaration, and consumers read the owner's log when they start.
 */
export function createEmbeddedBus(options: EmbeddedBusOptions = {}): Bus {
  return new EmbeddedBus(options);
}

class EmbeddedBus implements Bus {
  readonly connected = true;
  readonly maxMessageBytes = Number.POSITIVE_INFINITY;
  readonly #env: BusEnvironment;
  readonly #capacity: number;
  readonly #streams = new Map<string, EmbeddedStream<unknown>>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #topics: EmbeddedTopics;
  readonly #deadLetters = new EmbeddedDeadLetters();
  readonly #resets: ResetListeners;
  #closed = false;

  constructor(options: EmbeddedBusOptions) {
    this.#env = environmentOf(options);
    this.#capacity = options.capacity ?? CAPACITY;
    this.#topics = new EmbeddedTopics(this.#env.logger);
    this.#resets = new ResetListeners(this.#env.logger);
  }

  publish<T>(stream: StreamDefinition<T>, message: T, options: PublishOptions): Promise<void> {
    const known = this.#streams.get(stream.name);
    if (this.#closed || !known) return this.publishAll(stream, [{ message, ...options }]);
    return known.publish(message, options.id);
  }

  async publishAll<T>(stream: StreamDefinition<T>, messages: readonly OutgoingMessage<T>[]): Promise<void> {
    this.#refuseWhenClosed();
    await this.#stream(stream).publishAll(messages);
  }

  async consume<T>(consumer: ConsumerDefinition<T>, handler: BatchHandler<T>): Promise<Subscription> {
    this.#refuseWhenClosed();
    checkConsumer(consumer);
    const { subscription, overflowed } = this.#stream(consumer.stream).attach(consumer, handler);
    if (overflowed) this.#resets.tell({ kind: 'stream-lost', stream: consumer.stream.name });
    return this.#tracked(subscription);
  }

  broadcast<T>(topic: Topic<T>, message: T, key?: string): void {
    if (!this.#closed) this.#topics.broadcast(topic.name, message, key);
  }

  async listen<T>(topic: Topic<T>, handler: TopicHandler<T>, options?: { key?: string }): Promise<Subscription> {
    this.#refuseWhenClosed();
    checkTopic(topic);
    return this.#tracked(this.#topics.listen(topic.name, options?.key, handler as TopicHandler<unknown>));
  }

  onReset(listener: (reason: ResetReason) => void): () => void {
    return this.#resets.add(listener);
  }

  async parked(limit = PARKED): Promise<readonly ParkedMessage[]> {
    return this.#deadLetters.newest(limit);
  }

  async health(): Promise<void> {
    if (this.#closed) throw new BusUnavailableError('the bus is closed');
  }

  async drain(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.close();
    await this.drain();
    await Promise.all([...this.#streams.values()].map((stream) => stream.clear()));
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new BusClosedError();
  }

  #stream<T>(definition: StreamDefinition<T>): EmbeddedStream<T> {
    let stream = this.#streams.get(definition.name);
    if (!stream) {
      checkStream(definition);
      stream = new EmbeddedStream(definition.name, this.#capacity, this.#env, this.#deadLetters);
      this.#streams.set(definition.name, stream);
    }
    // A stream's name stands for the type of its messages.
    return stream as EmbeddedStream<unknown> as EmbeddedStream<T>;
  }

  #tracked(subscription: Subscription): Subscription {
    const tracked: Subscription = {
      stop: async () => {
        this.#subscriptions.delete(tracked);
        await subscription.stop();
      },
    };
    this.#subscriptions.add(tracked);
    return tracked;
  }
}
