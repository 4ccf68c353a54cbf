import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { MatrixError } from '@ganglion/contracts';
import type { Judgement } from './judgement.js';
import { newKey } from './media-ids.js';
import { type ByteStore, StoreFullError } from './ports/byte-store.js';
import type { LooseKeys, StoredBytes } from './ports/file-store.js';

/** Longer than anything that is written may take; what is not a file by then was left behind. */
const LOOSE_FOR_MS = 2 * 3_600_000;

/** How bytes get into the store: their key is noted first, so that whatever happens, none stay there that nobody knows of. */
export class Intake {
  constructor(
    private readonly bytes: ByteStore,
    private readonly loose: LooseKeys,
    /** Undefined when nobody judges what comes in. */
    private readonly judgement?: Judgement | undefined,
  ) {}

  /**
   * Stores what comes and hands it to somebody who makes something of it. When that fails, nothing stays.
   *
   * @throws MatrixError M_TOO_LARGE, M_UNKNOWN when there is no room, what a scanner refuses; and whatever the source or `keep` throws
   */
  async store<T>(
    source: AsyncIterable<Uint8Array>,
    maxBytes: number,
    keep: (stored: StoredBytes) => Promise<T>,
  ): Promise<T> {
    const key = newKey();
    await this.loose.note(key, LOOSE_FOR_MS);
    try {
      const stored = await this.#write(key, source, maxBytes);
      await this.judgement?.check({ ...stored, open: () => this.bytes.get(key) });
      return await keep(stored);
    } catch (error) {
      await this.#remove(key);
      throw error instanceof StoreFullError ? noRoom() : error;
    }
  }

  async #write(key: string, source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<StoredBytes> {
    const hash = createHash('sha256');
    let [bytes, sum] = [0, 0];
    await this.bytes.put(key, observe());
    return { key, bytes, sha256: hash.digest(), crc32: sum };

    async function* observe(): AsyncIterable<Uint8Array> {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(maxBytes);
        hash.update(chunk);
        sum = crc32(chunk, sum);
        yield chunk;
      }
    }
  }

  /** At once if that is possible; else the sweeper does it. A file may have the key all the same, if its commit was in doubt. */
  async #remove(key: string): Promise<void> {
    await this.loose.giveUp(key).catch(() => {});
  }
}

export function tooLarge(maxBytes: number): MatrixError {
  return new MatrixError(413, 'M_TOO_LARGE', `A file may have at most ${maxBytes} bytes`);
}

function noRoom(): MatrixError {
  return new MatrixError(507, 'M_UNKNOWN', 'There is no room left for files on this server');
}
