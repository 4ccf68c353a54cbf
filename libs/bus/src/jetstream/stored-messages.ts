import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { BusUnavailableError } from '../errors.js';
import type { JetStreamCore } from './core.js';
import { readStored, type StoredMessage } from './stored-message.js';
import type { StreamSpec } from './stream-registry.js';

const DIRECT_TIMEOUT_MS = 2_000;
const NOT_FOUND = 404;
/** The statuses of an answer that brings no message begin here. */
const STATUS = 300;

/** So many questions are under way at once, and each follows so many messages, when many wait. */
const WINDOW_QUESTIONS = 8;
const MESSAGES_PER_QUESTION = 4;

/** What a part of a stream has of one shard. */
export interface Window {
  /** The last place of the part. */
  readonly upTo: number;
  readonly messages: readonly StoredMessage[];
}

/** The messages of one shard, as the servers have stored them. Reading them needs no consumer on the servers. */
export class StoredMessages {
  readonly #core: JetStreamCore;
  readonly #spec: StreamSpec;
  readonly #subject: string;

  constructor(core: JetStreamCore, spec: StreamSpec, subject: string) {
    this.#core = core;
    this.#spec = spec;
    this.#subject = subject;
  }

  /**
   * All messages of the shard in the first part of what the stream has from one place to another, in order.
   *
   * @param known a place that the stream is known to have reached
   * @param shards how many shards share the stream
   * @throws BusUnavailableError when the servers do not answer, or whoever leads the stream does not know all of it yet
   */
  async window(from: number, known: number, shards: number): Promise<Window> {
    const step = MESSAGES_PER_QUESTION * shards;
    const upTo = Math.min(known, from + WINDOW_QUESTIONS * step - 1);
    const starts = Array.from({ length: Math.ceil((upTo - from + 1) / step) }, (_, index) => from + index * step);
    const parts = await Promise.all(starts.map((start) => this.#between(start, Math.min(upTo, start + step - 1))));
    return { upTo, messages: parts.flat() };
  }

  async #between(from: number, to: number): Promise<StoredMessage[]> {
    const messages: StoredMessage[] = [];
    for (let at = from; at <= to; ) {
      const next = (await this.#nextOfAnyCopy(at)) ?? (await this.#nextOfLeader(at, to));
      if (!next || next.sequence > to) break;
      messages.push(next);
      at = next.sequence + 1;
    }
    return messages;
  }

  /** The first message at that place or behind it, as a server with a copy knows it. It may be a little behind. */
  async #nextOfAnyCopy(from: number): Promise<StoredMessage | undefined> {
    const { connection } = this.#core;
    const subject = `$JS.API.DIRECT.GET.${this.#spec.name}`;
    const question = JSON.stringify({ seq: from, next_by_subj: this.#subject });
    const answer = await connection.answer(connection.nc.request(subject, question, { timeout: DIRECT_TIMEOUT_MS }));
    const { code = 0, description = '' } = answer.headers ?? {};
    if (code === NOT_FOUND) return undefined;
    if (code >= STATUS) throw new BusUnavailableError(`the server answers ${code} ${description}`);
    return readStored(answer);
  }

  /** The same, as the server knows it that leads the stream; which may have come to lead it just now. */
  async #nextOfLeader(from: number, known: number): Promise<StoredMessage | undefined> {
    const { connection, jsm, registry } = this.#core;
    const { state } = await registry.look(this.#spec);
    if (state.last_seq < known) throw new BusUnavailableError('the stream ends before what was heard of it');
    const query = { seq: from, next_by_subj: this.#subject };
    const found = await connection.answer(jsm.streams.getMessage(this.#spec.name, query).catch(orNothing));
    return found ? { subject: found.subject, sequence: found.seq, headers: found.header, data: found.data } : undefined;
  }
}

function orNothing(error: unknown): null {
  if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return null;
  throw error;
}
