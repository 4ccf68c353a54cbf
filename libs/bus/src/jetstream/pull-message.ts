import type { Msg, NatsConnection } from '@nats-io/transport-node';

/** What the reply subject of a message says about it: `$JS.ACK.[domain.account.]stream.consumer.…`. */
export interface PullMessage {
  readonly raw: Msg;
  readonly reply: string;
  /** The place in the stream. */
  readonly sequence: number;
  /** How often it was handed out, this time included. */
  readonly deliveries: number;
  /** How many messages of the shard had not been handed out by then. */
  readonly pending: number;
}

/** Without a domain and an account in front, the subject has nine tokens. */
const SHORT_FORM = 9;
const LONG_FORM_EXTRA = 2;

export function readPullMessage(raw: Msg): PullMessage {
  const reply = raw.reply ?? '';
  const tokens = reply.split('.');
  const shift = tokens.length > SHORT_FORM ? LONG_FORM_EXTRA : 0;
  const deliveries = Number(tokens[4 + shift]);
  const sequence = Number(tokens[5 + shift]);
  const pending = Number(tokens[8 + shift]);
  return { raw, reply, sequence, deliveries, pending };
}

export type Acknowledgement = '+ACK' | '-NAK' | '+WPI';

/** Tells the server that a message is done with, is given back, or is still being worked on. */
export function acknowledge(nc: NatsConnection, reply: string, what: Acknowledgement): void {
  if (!nc.isClosed()) nc.publish(reply, what);
}
