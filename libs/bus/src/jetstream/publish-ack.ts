import type { Msg } from '@nats-io/transport-node';

export interface Refusal {
  readonly words: string;
  /** The message is larger than the stream allows: sending it again cannot help. */
  readonly tooLarge: boolean;
}

const NO_RESPONDERS = 503;
const MESSAGE_EXCEEDS_MAXIMUM = 10054;

/** What the server answered to a published message; undefined when it stored it, or had it already. */
export function readAck(message: Msg): Refusal | undefined {
  if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) {
    return { words: 'no stream takes the message', tooLarge: false };
  }
  const { error } = message.json<{ error?: { err_code?: number; description?: string } }>();
  if (!error) return undefined;
  const words = error.description ?? 'the server refused the message';
  return { words, tooLarge: error.err_code === MESSAGE_EXCEEDS_MAXIMUM };
}
