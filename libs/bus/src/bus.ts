import type { Context } from '@opentelemetry/api';
import type { Codec } from './codec.js';

/**
 * A durable, ordered flow of messages, declared in code by the service that publishes it.
 * Messages with the same key share a shard and keep their order.
 */
export interface StreamDefinition<T> {
  /** Letters, digits, `-` and `_`, e.g. `room-events`. Used as a metric label. */
  readonly name: string;
  /** How many replicas can share the work of one consumer at most. May only grow from release to release. */
  readonly shards: number;
  readonly codec: Codec<T>;
  /** How long a stored message waits for consumers that are away. */
  readonly maxAgeMs: number;
  /** Above this size the oldest messages are dropped; consumers fill the gap from the owner's log. */
  readonly maxBytes?: number;
}

/** One durable reader of a stream: all replicas that consume it under this name share its messages. */
export interface ConsumerDefinition<T> {
  readonly stream: StreamDefinition<T>;
  /** Letters, digits, `-` and `_`, e.g. `push`. Used as a metric label. */
  readonly durable: string;
  /** The most messages handed to the handler at once. */
  readonly maxBatch: number;
  /** How often a message is tried while its handler fails temporarily, before it is parked. */
  readonly maxAttempts: number;
  /** The pause after the first, second … failed attempt; the last one repeats. */
  readonly backoffMs: readonly number[];
  /** What keeps messages in order, e.g. the room id. Must be the key that the message was published with. */
  key(message: T): string;
}

/** A message as a consumer gets it. */
export interface Delivery<T> {
  readonly message: T;
  /** 1 for the first time. */
  readonly attempt: number;
  /** The OpenTelemetry context that the message was published in. */
  readonly context: Context;
}

/** A live signal that nobody stores: only who listens now hears it, at most once. */
export interface Topic<T> {
  /** Letters, digits, `-` and `_`. */
  readonly name: string;
  readonly codec: Codec<T>;
  /**
   * Whoever listens in the process that broadcasts hears of it before anything that is awaited there goes on, also while the bus
   * is away; and once, as everybody.
   */
  readonly hereAtOnce?: boolean;
}

export interface PublishOptions {
  /** What keeps the order, e.g. the room id. */
  readonly key: string;
  /** A message with an id that was stored within the last half minute is not stored again. */
  readonly id?: string;
}

export interface OutgoingMessage<T> extends PublishOptions {
  readonly message: T;
}

export interface Subscription {
  /** Takes no further message; resolves when the handler has ended for the last time. The next reader gets the rest. */
  stop(): Promise<void>;
}

/** Why messages may be missing. */
export type ResetReason =
  /** The connection was lost: nothing is heard before it is back. */
  | { readonly kind: 'disconnected' }
  /** The connection was down: broadcasts of that time were missed, stored messages were not. */
  | { readonly kind: 'reconnected' }
  /** The stream was wiped, deleted or created anew; or, in one process, outgrew what is kept for a reader that is away. */
  | { readonly kind: 'stream-lost'; readonly stream: string };

export type ParkReason =
  /** The handler threw a PoisonError: trying again cannot help. */
  | 'poison'
  /** The codec could not read it. */
  | 'undecodable'
  /** It failed temporarily maxAttempts times. */
  | 'exhausted'
  /** Reader after reader was lost with it in its hands: it may end the process that handles it. */
  | 'unsettled';

/** A message that was set aside in the dead-letter stream. */
export interface ParkedMessage {
  readonly stream: string;
  readonly durable: string;
  readonly subject: string;
  readonly reason: ParkReason;
  /** The failure in words, without a stack. */
  readonly detail: string;
  readonly attempts: number;
  /** The message as it was encoded. */
  readonly payload: Uint8Array;
}

export type BatchHandler<T> = (batch: readonly Delivery<T>[]) => Promise<void>;
export type TopicHandler<T> = (message: T, context: Context) => void;

/**
 * How services tell each other what happened. The bus carries, Postgres knows: whoever consumes must be idempotent,
 * and reads the owner's log when it starts, when it notices a gap, and on every reset.
 */
export interface Bus {
  /**
   * Stores a message for the consumers of the stream; resolves once it is stored.
   *
   * @throws MessageTooLargeError when it is larger than maxMessageBytes; nothing was sent then.
   * @throws BusUnavailableError when it could not be stored before the deadline; it may be stored all the same.
   * @throws BusClosedError after close().
   */
  publish<T>(stream: StreamDefinition<T>, message: T, options: PublishOptions): Promise<void>;

  /**
   * Stores many messages, in order for each key, without waiting for one before sending the next.
   *
   * @throws MessageTooLargeError when one of them is larger than maxMessageBytes; none was sent then.
   * @throws otherwise as publish; some of the messages may be stored then, so all may be published again.
   */
  publishAll<T>(stream: StreamDefinition<T>, messages: readonly OutgoingMessage<T>[]): Promise<void>;

  /**
   * Hands the stream's messages to the handler: at least once, in stream order for each key, the replicas sharing the
   * shards. The handler is never run twice at once in one process. Resolving acknowledges the whole batch. When it
   * rejects, its messages are tried one by one: a PoisonError parks the message, any other error is retried after a
   * pause while later messages of the same key wait and those of other keys go on.
   *
   * Resolves once the durable exists: what is published from then on will be delivered.
   */
  consume<T>(consumer: ConsumerDefinition<T>, handler: BatchHandler<T>): Promise<Subscription>;

  /** Tells whoever listens now, here and in other processes; never fails, never waits, may be lost, as what is too large is. */
  broadcast<T>(topic: Topic<T>, message: T, key?: string): void;

  /** Hears broadcasts of the topic, or only those with the key; costs nothing where nobody listens. */
  listen<T>(topic: Topic<T>, handler: TopicHandler<T>, options?: { readonly key?: string }): Promise<Subscription>;

  /**
   * The most bytes that an encoded message may have, now: servers may be set up anew. Whoever publishes what can grow
   * larger splits it. Infinite within one process, where nothing is encoded.
   */
  readonly maxMessageBytes: number;

  /** Whether this process hears what is said now; always true within one process. */
  readonly connected: boolean;

  /** Calls the listener whenever messages may be missing from now on, or are; returns how to stop that. */
  onReset(listener: (reason: ResetReason) => void): () => void;

  /** The newest messages in the dead-letter stream, oldest first. */
  parked(limit?: number): Promise<readonly ParkedMessage[]>;

  /** @throws BusUnavailableError saying why, when publishing is not possible now. */
  health(): Promise<void>;

  /** Stops all consumers and listeners as Subscription.stop does; publishing remains possible until close(). */
  drain(): Promise<void>;

  /** Drains, then lets go of every connection. */
  close(): Promise<void>;
}
