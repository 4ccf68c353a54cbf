import type { Msg, MsgHdrs } from '@nats-io/transport-node';

/** A message as a stream has it. */
export interface StoredMessage {
  readonly subject: string;
  /** The place in the stream. */
  readonly sequence: number;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/** A message as the server repeats it to who listens, as soon as it is stored. */
export interface LiveMessage extends StoredMessage {
  /** The place of the message before it in the same shard; 0 when there is none. */
  readonly previous: number;
}

const SUBJECT = 'Nats-Subject';
const SEQUENCE = 'Nats-Sequence';
const PREVIOUS = 'Nats-Last-Sequence';

/** @throws TypeError when the server does not tell its place */
export function readStored({ headers, data }: Msg): StoredMessage {
  return { subject: headers?.get(SUBJECT) ?? '', sequence: numberIn(headers, SEQUENCE), headers, data };
}

/** Undefined when something else speaks on the subject. */
export function readLive(message: Msg): LiveMessage | undefined {
  try {
    return { ...readStored(message), previous: numberIn(message.headers, PREVIOUS) };
  } catch {
    return undefined;
  }
}

function numberIn(headers: MsgHdrs | undefined, name: string): number {
  const text = headers?.get(name);
  const number = text ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number) || number < 0) throw new TypeError(`the server does not tell ${name}`);
  return number;
}
