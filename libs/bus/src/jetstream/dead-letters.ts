import type { StoredMsg } from '@nats-io/jetstream';
import { nuid } from '@nats-io/transport-node';
import type { ConsumerDefinition, ParkedMessage, ParkReason } from '../bus.js';
import type { Defect } from '../dispatch/item.js';
import { MessageTooLargeError } from '../errors.js';
import type { JetStreamCore } from './core.js';
import type { JetStreamItem } from './jetstream-item.js';
import { MESSAGE_ID, traceHeaders } from './message-headers.js';
import type { Publisher } from './publisher.js';
import { deadLetterSpec } from './stream-registry.js';

const STREAM = 'Ganglion-Stream';
const DURABLE = 'Ganglion-Durable';
const SUBJECT = 'Ganglion-Subject';
const REASON = 'Ganglion-Reason';
const DETAIL = 'Ganglion-Detail';
const ATTEMPTS = 'Ganglion-Attempts';
const EMPTY = new Uint8Array();

/** The stream of messages that were set aside. */
export class DeadLetters {
  readonly #core: JetStreamCore;
  readonly #publisher: Publisher;

  constructor(core: JetStreamCore, publisher: Publisher) {
    this.#core = core;
    this.#publisher = publisher;
  }

  /** @throws BusUnavailableError when it could not be stored */
  async park<T>(consumer: ConsumerDefinition<T>, item: JetStreamItem<T>, defect: Defect): Promise<void> {
    try {
      await this.#store(consumer, item, defect, item.source.data);
    } catch (error) {
      // The headers made it larger than the server takes. The owner's log has the message.
      if (!(error instanceof MessageTooLargeError)) throw error;
      await this.#store(consumer, item, defect, EMPTY);
    }
  }

  /** The newest ones, oldest first. */
  async newest(limit: number): Promise<ParkedMessage[]> {
    const { connection, jsm, registry, naming } = this.#core;
    const spec = deadLetterSpec(naming);
    await registry.ensure(spec);
    const { state } = await connection.answer(jsm.streams.info(spec.name));
    const first = Math.max(state.first_seq, state.last_seq - limit + 1);
    const sequences = Array.from({ length: Math.max(0, state.last_seq - first + 1) }, (_, index) => first + index);
    const stored = sequences.map((seq) => jsm.streams.getMessage(spec.name, { seq }).catch(() => null));
    return (await connection.answer(Promise.all(stored))).filter((message) => message !== null).map(describe);
  }

  #store<T>(
    { stream, durable }: ConsumerDefinition<T>,
    { source, context: origin, attempt }: JetStreamItem<T>,
    { reason, detail }: Defect,
    payload: Uint8Array,
  ): Promise<void> {
    const { naming } = this.#core;
    const headers = traceHeaders(origin);
    headers.set(MESSAGE_ID, nuid.next());
    headers.set(STREAM, stream.name);
    headers.set(DURABLE, durable);
    headers.set(SUBJECT, naming.bare(source.subject));
    headers.set(REASON, reason);
    headers.set(DETAIL, encodeURIComponent(detail.toWellFormed()));
    headers.set(ATTEMPTS, String(attempt));
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => (error ? reject(error) : resolve());
      this.#publisher.send(naming.deadLetter(stream.name, durable), payload, headers, done);
    });
  }
}

function describe({ header, data }: StoredMsg): ParkedMessage {
  return {
    stream: header.get(STREAM),
    durable: header.get(DURABLE),
    subject: header.get(SUBJECT),
    reason: header.get(REASON) as ParkReason,
    detail: decodeURIComponent(header.get(DETAIL)),
    attempts: Number(header.get(ATTEMPTS)),
    payload: data,
  };
}
