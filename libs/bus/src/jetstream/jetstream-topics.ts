import { tracingEnabled } from '@ganglion/telemetry';
import type { Msg, Subscription as NatsSubscription } from '@nats-io/transport-node';
import { context } from '@opentelemetry/api';
import type { Subscription, Topic, TopicHandler } from '../bus.js';
import { MessageTooLargeError } from '../errors.js';
import type { JetStreamCore } from './core.js';
import { contextOf, traceHeaders } from './message-headers.js';

interface Ear {
  readonly subscription: NatsSubscription;
  readonly handlers: Set<TopicHandler<never>>;
  readonly ready: Promise<unknown>;
}

/** Signals by core NATS. All listeners of one subject share one subscription. */
export class JetStreamTopics {
  readonly #core: JetStreamCore;
  readonly #ears = new Map<string, Ear>();

  constructor(core: JetStreamCore) {
    this.#core = core;
  }

  broadcast<T>(topic: Topic<T>, message: T, key: string | undefined): void {
    const { connection, naming, env } = this.#core;
    if (!connection.connected) return;
    try {
      const bytes = topic.codec.encode(message);
      const { maxMessageBytes } = connection;
      if (bytes.length > maxMessageBytes) throw new MessageTooLargeError(bytes.length, maxMessageBytes);
      const options = tracingEnabled() ? { headers: traceHeaders(context.active()) } : {};
      connection.nc.publish(naming.topic(topic.name, key), bytes, options);
    } catch (error) {
      env.logger.error({ topic: topic.name, err: error }, 'a broadcast could not be sent');
    }
  }

  async listen<T>(topic: Topic<T>, handler: TopicHandler<T>, key: string | undefined): Promise<Subscription> {
    const { naming } = this.#core;
    const subject = key === undefined ? naming.wholeTopic(topic.name) : naming.topic(topic.name, key);
    const own: TopicHandler<T> = (message, active) => handler(message, active);
    const ear = this.#ears.get(subject) ?? this.#open(subject, topic);
    ear.handlers.add(own);
    await ear.ready;
    return { stop: async () => this.#close(subject, own) };
  }

  #open<T>(subject: string, topic: Topic<T>): Ear {
    const { connection } = this.#core;
    const handlers = new Set<TopicHandler<T>>();
    const callback = (error: Error | null, message: Msg) => {
      if (!error) this.#tell(topic, handlers, message);
    };
    const subscription = connection.nc.subscribe(subject, { callback });
    // Without a connection the subscription is made when it is back; there is nothing to hear until then.
    const ready = connection.connected ? connection.answer(connection.nc.flush()).catch(() => {}) : Promise.resolve();
    const ear: Ear = { subscription, handlers, ready };
    this.#ears.set(subject, ear);
    return ear;
  }

  #close<T>(subject: string, handler: TopicHandler<T>): void {
    const ear = this.#ears.get(subject);
    if (!ear?.handlers.delete(handler) || ear.handlers.size > 0) return;
    this.#ears.delete(subject);
    if (!this.#core.connection.nc.isClosed()) ear.subscription.unsubscribe();
  }

  #tell<T>(topic: Topic<T>, handlers: Set<TopicHandler<T>>, { data, headers }: Msg): void {
    this.#trying(topic, () => {
      const active = contextOf(headers);
      const message = topic.codec.decode(data);
      for (const handler of handlers) this.#trying(topic, () => handler(message, active));
    });
  }

  #trying<T>(topic: Topic<T>, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#core.env.logger.error({ topic: topic.name, err: error }, 'a listener failed');
    }
  }
}
