import type { Readable } from 'node:stream';
import {
  type ByteRange,
  type ByteStore,
  BytesMissingError,
  type StoredKey,
  type TemporaryAnswer,
} from '../domain/ports/byte-store.js';

/** A store beside the one that came before it: what has not been moved yet is read where it was. */
export class FallbackStore implements ByteStore {
  constructor(
    private readonly current: ByteStore,
    private readonly previous: ByteStore,
  ) {}

  put(key: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    return this.current.put(key, bytes);
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    try {
      return await this.current.get(key, range);
    } catch (error) {
      if (!(error instanceof BytesMissingError)) throw error;
    }
    try {
      return await this.previous.get(key, range);
    } catch (error) {
      // It may have been moved in between.
      if (error instanceof BytesMissingError) return this.current.get(key, range);
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await Promise.all([this.current.remove(key), this.previous.remove(key)]);
  }

  async *list(): AsyncIterable<StoredKey> {
    yield* this.current.list();
    yield* this.previous.list();
  }

  /** A link would have to know which of the two has it. */
  async temporaryUrl(_key: string, _answer: TemporaryAnswer): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all([this.current.close?.(), this.previous.close?.()]);
  }
}
