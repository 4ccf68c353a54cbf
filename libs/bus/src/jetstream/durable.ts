import { AckPolicy, type ConsumerInfo, DeliverPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { ConsumerDefinition } from '../bus.js';
import type { JetStreamCore } from './core.js';

/** One batch in the handler's hands and one that waits for it. */
export function maxHeld<T>(consumer: ConsumerDefinition<T>): number {
  return 2 * consumer.maxBatch;
}

/**
 * Makes sure that the durable of a shard exists as declared. A new one begins with the oldest message that the stream
 * has, so that nothing is missed between the creation of the stream and of the durable.
 */
export function ensureDurable<T>(
  { connection, jsm, naming }: JetStreamCore,
  consumer: ConsumerDefinition<T>,
  shard: number,
): Promise<ConsumerInfo> {
  const { stream, durable, ackWaitMs } = consumer;
  const config = {
    durable_name: naming.durable(durable, shard),
    filter_subject: naming.shard(stream.name, shard),
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs),
    // Attempts are counted here, where temporary failures can be told from others.
    max_deliver: -1,
    max_ack_pending: maxHeld(consumer),
  };
  return connection.answer(jsm.consumers.add(naming.stream(stream.name), config));
}
