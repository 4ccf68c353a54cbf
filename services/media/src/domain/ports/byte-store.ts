import type { Readable } from 'node:stream';

/** A part of a file: from the first to the last of these bytes, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What a store holds, under a key that is made for it and never used again. */
export interface StoredKey {
  readonly key: string;
  readonly bytes: number;
}

/** What whoever follows a temporary URL is told. */
export interface TemporaryAnswer {
  readonly contentType: string;
  readonly disposition: string;
  readonly lifetimeMs: number;
}

/** Where the bytes of files are. Whoever writes has noted the key before, so that nothing stays that nobody knows of. */
export interface ByteStore {
  /**
   * Writes all that comes. When it resolves, the bytes survive a crash; when it rejects, nothing can be read under the key, and
   * `remove` takes away what there is.
   *
   * @throws StoreFullError when there is no room, and whatever the source throws
   */
  put(key: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** @throws BytesMissingError */
  get(key: string, range?: ByteRange): Promise<Readable>;
  /** Removes what is there, and what is half there; nothing is as good. */
  remove(key: string): Promise<void>;
  /** Everything that is held, the half-written included, in no order. */
  list(): AsyncIterable<StoredKey>;
  /** A URL at which anybody gets the bytes for a while; undefined, or not there at all, where there is no such thing. */
  temporaryUrl?(key: string, answer: TemporaryAnswer): Promise<string | undefined>;
  /** Ends its connections. */
  close?(): Promise<void>;
}

/** The bytes of a file are not where they should be. */
export class BytesMissingError extends Error {
  override readonly name = 'BytesMissingError';

  constructor(key: string, options?: ErrorOptions) {
    super(`there are no bytes under the key ${key}`, options);
  }
}

/** The store has no room left. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError';
}
