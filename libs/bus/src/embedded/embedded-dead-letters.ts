import type { ConsumerDefinition, ParkedMessage } from '../bus.js';
import type { Defect, Item } from '../dispatch/item.js';
import { shardOf } from '../names.js';

const MAX_PARKED = 1_000;

/** The last messages that were set aside in this process. */
export class EmbeddedDeadLetters {
  readonly #parked: (() => ParkedMessage)[] = [];

  park<T>(consumer: ConsumerDefinition<T>, item: Item<T>, defect: Defect): void {
    const attempts = item.attempt;
    this.#parked.push(() => describe(consumer, item.message, defect, attempts));
    if (this.#parked.length > MAX_PARKED) this.#parked.shift();
  }

  newest(limit: number): ParkedMessage[] {
    return this.#parked.slice(-limit).map((parked) => parked());
  }
}

function describe<T>(
  { stream, durable, key }: ConsumerDefinition<T>,
  message: T,
  { reason, detail }: Defect,
  attempts: number,
): ParkedMessage {
  // A message that is poison may well be one whose key or encoding cannot be told.
  const shard = attempt(() => shardOf(key(message), stream.shards), 0);
  const payload = attempt(() => stream.codec.encode(message), new Uint8Array());
  return { stream: stream.name, durable, subject: `${stream.name}.${shard}`, reason, detail, attempts, payload };
}

function attempt<R>(run: () => R, otherwise: R): R {
  try {
    return run();
  } catch {
    return otherwise;
  }
}
