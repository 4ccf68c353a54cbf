import { AckPolicy, type ConsumerInfo, DeliverPolicy, JetStreamApiError } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { ConsumerDefinition } from '../bus.js';
import type { JetStreamCore } from './core.js';

/** One batch in the handler's hands and one that waits for it. */
function maxHeld<T>(consumer: ConsumerDefinition<T>): number {
  return 2 * consumer.maxBatch;
}

/** From 2.10 on, servers update what exists only when they are told that it does. */
const CONSUMER_EXISTS = 10148;

/**
 * Makes sure that the durable of a shard exists as declared. A new one begins with the oldest message that the stream
 * has, so that nothing is missed between the creation of the stream and of the durable.
 */
export function ensureDurable<T>(
  { connection, jsm, naming }: JetStreamCore,
  consumer: ConsumerDefinition<T>,
  shard: number,
): Promise<ConsumerInfo> {
  const stream = naming.stream(consumer.stream.name);
  const name = naming.durable(consumer.durable, shard);
  const settings = { ack_wait: nanos(consumer.ackWaitMs), max_ack_pending: maxHeld(consumer) };
  const added = jsm.consumers.add(stream, {
    ...settings,
    durable_name: name,
    filter_subject: naming.shard(consumer.stream.name, shard),
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.Explicit,
    // Attempts are counted here, where temporary failures can be told from others.
    max_deliver: -1,
  });
  const updated = added.catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_EXISTS) {
      return jsm.consumers.update(stream, name, settings);
    }
    throw error;
  });
  return connection.answer(updated);
}
