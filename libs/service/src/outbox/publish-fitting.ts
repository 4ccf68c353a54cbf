import { type Bus, MessageTooLargeError, type OutgoingMessage, type StreamDefinition } from '@ganglion/bus';
import type { Logger } from '@ganglion/telemetry';

/**
 * Publishes messages in their order. What is too large for the bus is left to the owner's log, where consumers find it when
 * they notice the gap: no trying again would ever bring it there.
 *
 * @throws as Bus.publish, but for what is too large
 */
export async function publishFitting<Message>(
  bus: Bus,
  stream: StreamDefinition<Message>,
  messages: readonly OutgoingMessage<Message>[],
  logger: Logger,
): Promise<void> {
  const [first, ...others] = messages;
  if (first === undefined) return;
  try {
    if (others.length > 0) await bus.publishAll(stream, messages);
    else await publishOne(bus, stream, first);
  } catch (error) {
    if (!(error instanceof MessageTooLargeError)) throw error;
    if (others.length === 0) {
      logger.error({ err: error, stream: stream.name, key: first.key }, 'too large for the bus: left to the log');
      return;
    }
    for (const message of messages) await publishFitting(bus, stream, [message], logger);
  }
}

function publishOne<Message>(bus: Bus, stream: StreamDefinition<Message>, outgoing: OutgoingMessage<Message>) {
  const { message, ...options } = outgoing;
  return bus.publish(stream, message, options);
}
