import { randomUUID } from 'node:crypto';
import { tracingEnabled } from '@ganglion/telemetry';
import type { Msg, MsgHdrs, Subscription as NatsSubscription } from '@nats-io/transport-node';
import { context } from '@opentelemetry/api';
import type { Subscription, Topic, TopicHandler } from '../bus.js';
import { MessageTooLargeError } from '../errors.js';
import type { JetStreamCore } from './core.js';
import { contextOf, traceHeaders } from './message-headers.js';

/** Who has said it, where that matters. */
const FROM = 'Ganglion-From';

interface Ear {
  readonly subscription: NatsSubscription;
  readonly handlers: Set<TopicHandler<never>>;
  readonly ready: Promise<unknown>;
}

/** Signals by core NATS. All listeners of one subject share one subscription. */
export class JetStreamTopics {
  readonly #core: JetStreamCore;
  readonly #ears = new Map<string, Ear>();
  /** By which this process knows what it has said itself. */
  readonly #self = randomUUID();

  constructor(core: JetStreamCore) {
    this.#core = core;
  }

  broadcast<T>(topic: Topic<T>, message: T, key: string | undefined): void {
    const { connection, naming } = this.#core;
    if (topic.hereAtOnce) this.#tellHere(topic, message, key);
    if (!connection.connected) return;
    this.#sendOff(topic.name, () => {
      const bytes = topic.codec.encode(message);
      const { maxMessageBytes } = connection;
      if (bytes.length > maxMessageBytes) throw new MessageTooLargeError(bytes.length, maxMessageBytes);
      const options = this.#optionsOf(topic);
      const subject = naming.topic(topic.name, key);
      connection.soon(() => this.#sendOff(topic.name, () => connection.nc.publish(subject, bytes, options)));
    });
  }

  #sendOff(topic: string, send: () => void): void {
    try {
      send();
    } catch (error) {
      this.#core.env.logger.error({ topic, err: error }, 'a broadcast could not be sent');
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
      if (!error && message.headers?.get(FROM) !== this.#self) this.#tell(topic, handlers, message);
    };
    connection.sendNow();
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

  #optionsOf({ hereAtOnce }: Pick<Topic<never>, 'hereAtOnce'>): { headers?: MsgHdrs } {
    if (!hereAtOnce) return tracingEnabled() ? { headers: traceHeaders(context.active()) } : {};
    const headers = traceHeaders(context.active());
    headers.set(FROM, this.#self);
    return { headers };
  }

  /** Not within broadcast itself: a listener that fails, or broadcasts, is none of the caller's business. */
  #tellHere<T>(topic: Topic<T>, message: T, key: string | undefined): void {
    const { naming } = this.#core;
    const active = context.active();
    queueMicrotask(() => {
      const subjects = [naming.wholeTopic(topic.name), ...(key === undefined ? [] : [naming.topic(topic.name, key)])];
      for (const subject of subjects) {
        const handlers = this.#ears.get(subject)?.handlers as Set<TopicHandler<T>> | undefined;
        for (const handler of handlers ?? []) this.#trying(topic, () => handler(message, active));
      }
    });
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
