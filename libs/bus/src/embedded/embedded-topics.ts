import { type Context, context } from '@opentelemetry/api';
import type { Subscription, TopicHandler } from '../bus.js';
import type { BusLogger } from '../options.js';

interface Signal {
  readonly topic: string;
  readonly key: string | undefined;
  readonly message: unknown;
  readonly context: Context;
}

type Listeners = Set<TopicHandler<unknown>>;

/** Who listens to what in this process. */
export class EmbeddedTopics {
  readonly #logger: BusLogger;
  readonly #everything = new Map<string, Listeners>();
  readonly #keyed = new Map<string, Map<string, Listeners>>();
  #signals: Signal[] = [];

  constructor(logger: BusLogger) {
    this.#logger = logger;
  }

  broadcast(topic: string, message: unknown, key: string | undefined): void {
    if (!this.#heard(topic, key)) return;
    if (this.#signals.length === 0) queueMicrotask(() => this.#flush());
    this.#signals.push({ topic, key, message, context: context.active() });
  }

  listen(topic: string, key: string | undefined, handler: TopicHandler<unknown>): Subscription {
    const own: TopicHandler<unknown> = (message, active) => handler(message, active);
    const byName = key === undefined ? this.#everything : entry(this.#keyed, topic, () => new Map<string, Listeners>());
    const name = key ?? topic;
    entry(byName, name, () => new Set()).add(own);
    const stop = async () => {
      const listeners = byName.get(name);
      if (listeners?.delete(own) && listeners.size === 0) byName.delete(name);
    };
    return { stop };
  }

  #heard(topic: string, key: string | undefined): boolean {
    return this.#everything.has(topic) || (key !== undefined && (this.#keyed.get(topic)?.has(key) ?? false));
  }

  #flush(): void {
    const signals = this.#signals;
    this.#signals = [];
    for (const signal of signals) {
      this.#tell(this.#everything.get(signal.topic), signal);
      if (signal.key !== undefined) this.#tell(this.#keyed.get(signal.topic)?.get(signal.key), signal);
    }
  }

  #tell(listeners: Listeners | undefined, { topic, message, context: active }: Signal): void {
    for (const listener of listeners ?? []) {
      try {
        listener(message, active);
      } catch (error) {
        this.#logger.error({ topic, err: error }, 'a listener failed');
      }
    }
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
