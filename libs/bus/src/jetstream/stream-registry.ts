import { EventEmitter } from 'node:events';
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { StreamDefinition } from '../bus.js';
import { DUPLICATE_WINDOW_MS } from '../options.js';
import type { Connection } from './connection.js';
import type { Naming } from './naming.js';

/** How a stream is declared to the server. */
export type StreamSpec = Pick<
  StreamConfig,
  'name' | 'subjects' | 'max_age' | 'max_bytes' | 'max_msgs_per_subject' | 'duplicate_window'
> &
  Partial<Pick<StreamConfig, 'allow_direct' | 'republish'>>;

const DEAD_LETTER_AGE_MS = 30 * 86_400_000;
const DEAD_LETTER_BYTES = 2 ** 26;

export function specOf<T>({ name, maxAgeMs, maxBytes }: StreamDefinition<T>, naming: Naming): StreamSpec {
  return {
    name: naming.stream(name),
    subjects: [naming.shard(name, '*')],
    max_age: nanos(maxAgeMs),
    max_bytes: maxBytes ?? -1,
    max_msgs_per_subject: -1,
    duplicate_window: nanos(Math.min(DUPLICATE_WINDOW_MS, maxAgeMs)),
    // Every server that has a copy answers who reads it, and what was stored is repeated to who listens.
    allow_direct: true,
    republish: { src: naming.shard(name, '*'), dest: naming.live(name, '{{wildcard(1)}}') },
  };
}

/** Who works on which shard: the last word on each. */
export function claimsSpec(naming: Naming): StreamSpec {
  return {
    name: naming.own('claims'),
    subjects: [naming.claim('*', '*', '*')],
    max_age: 0,
    max_bytes: -1,
    max_msgs_per_subject: 1,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  };
}

export function deadLetterSpec(naming: Naming): StreamSpec {
  return {
    name: naming.own('dead-letter'),
    subjects: [naming.deadLetter('*', '*')],
    max_age: nanos(DEAD_LETTER_AGE_MS),
    max_bytes: DEAD_LETTER_BYTES,
    max_msgs_per_subject: -1,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  };
}

/**
 * Makes sure that streams exist before they are used, and says so (replaced) when one is not the one that it was: the
 * server lost its files, or somebody deleted it.
 */
export class StreamRegistry extends EventEmitter<{ replaced: [stream: string] }> {
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #replicas: number;
  readonly #specs = new Map<string, StreamSpec>();
  readonly #identities = new Map<string, string>();
  readonly #present = new Map<string, Promise<string>>();
  readonly #looks = new Map<string, Promise<StreamInfo>>();

  constructor(connection: Connection, jsm: JetStreamManager, replicas: number) {
    super();
    this.setMaxListeners(0);
    this.#connection = connection;
    this.#jsm = jsm;
    this.#replicas = replicas;
    connection.on('down', () => this.#present.clear());
  }

  /** @returns what tells this stream from another one that would be created in its place */
  ensure(spec: StreamSpec): Promise<string> {
    let present = this.#present.get(spec.name);
    if (!present) {
      present = this.#identify(spec).then(({ created }) => created);
      this.#present.set(spec.name, present);
      present.catch(() => this.forget(spec.name, present));
    }
    return present;
  }

  /** How the stream is now. It is created when it is missing. Who asks at the same time shares the answer. */
  look(spec: StreamSpec): Promise<StreamInfo> {
    let look = this.#looks.get(spec.name);
    if (!look) {
      look = this.#identify(spec).finally(() => this.#looks.delete(spec.name));
      this.#looks.set(spec.name, look);
    }
    return look;
  }

  /** The stream has lost its end, though it is the same one: what was read of it may mean other messages now. */
  rewound(name: string): void {
    this.emit('replaced', name);
  }

  /** Makes the next ensure() look again. */
  forget(name: string, present = this.#present.get(name)): void {
    if (this.#present.get(name) === present) this.#present.delete(name);
  }

  /** Looks after every stream that was ever asked for. */
  async ensureAll(): Promise<void> {
    await Promise.all([...this.#specs.values()].map((spec) => this.ensure(spec)));
  }

  async #identify(spec: StreamSpec): Promise<StreamInfo> {
    const before = this.#identities.get(spec.name);
    const info = await this.#connection.answer(this.#find(spec));
    const now = this.#identities.get(spec.name);
    // Somebody else was told meanwhile that there is another stream: an answer that was under way may be about the old one.
    if (now !== before && now !== info.created) return this.#identify(spec);
    this.#identities.set(spec.name, info.created);
    this.#specs.set(spec.name, spec);
    if (now !== undefined && now !== info.created) {
      this.#present.set(spec.name, Promise.resolve(info.created));
      this.emit('replaced', spec.name);
    }
    return info;
  }

  async #find(spec: StreamSpec): Promise<StreamInfo> {
    const config = { ...spec, num_replicas: this.#replicas };
    try {
      const info = await this.#jsm.streams.info(spec.name);
      if (!repeats(info.config, config)) {
        // NATS 2.9 cannot change that. Postgres knows what is lost with it.
        await this.#jsm.streams.delete(spec.name);
        return await this.#create(config);
      }
      if (this.#specs.has(spec.name) || agrees(info.config, config)) return info;
      return await this.#jsm.streams.update(spec.name, config);
    } catch (error) {
      if (!isMissing(error)) throw error;
      return await this.#create(config);
    }
  }

  #create(config: StreamSpec & { num_replicas: number }): Promise<StreamInfo> {
    return this.#jsm.streams.add({
      ...config,
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

/** Whether what is stored is repeated as wanted. */
function repeats({ republish }: StreamConfig, wanted: StreamSpec): boolean {
  return republish?.dest === wanted.republish?.dest;
}

function agrees(actual: StreamConfig, wanted: StreamSpec & { num_replicas: number }): boolean {
  return (
    actual.max_age === wanted.max_age &&
    actual.max_bytes === wanted.max_bytes &&
    actual.duplicate_window === wanted.duplicate_window &&
    actual.num_replicas === wanted.num_replicas
  );
}
