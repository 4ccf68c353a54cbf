import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { MatrixError } from '@ganglion/contracts';
import type { StoredBytes } from './ports/file-store.js';
import { readThrough } from './read-through.js';

/** Files of up to so many bytes are looked at before anything is said of them. */
const READ_WHOLE = 65_536;

/**
 * The bytes of a whole file, which nobody gets whole unless they are those that were stored: of a large one that is not, the
 * last piece never comes, and whoever reads it is told by an error.
 *
 * @param report told when they are others
 * @throws MatrixError M_UNKNOWN for a small one that is damaged
 */
export async function intact(source: Readable, expected: StoredBytes, report: () => void): Promise<Readable> {
  const bytes = checked(source, expected, report);
  if (expected.bytes > READ_WHOLE) return readThrough(source, bytes, 1);
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Readable.from(chunks, { objectMode: false });
}

async function* checked(source: Readable, expected: StoredBytes, report: () => void): AsyncIterable<Buffer> {
  const sum = sumOf(expected);
  let left = expected.bytes;
  let isIntact = left === 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    if (chunk.length === 0) continue;
    left -= chunk.length;
    // There is more than there should be, perhaps after all that there should.
    if (left < 0) break;
    sum.add(chunk);
    isIntact = left === 0 && sum.isRight();
    if (left === 0 && !isIntact) break;
    yield chunk;
  }
  if (left === 0 && isIntact) return;
  report();
  throw new MatrixError(500, 'M_UNKNOWN', 'This file is damaged here');
}

/** What disks do to bytes, a checksum finds; hashing all of a file once more would take most of the time of a download. */
function sumOf({ crc32: expected, sha256 }: StoredBytes): { add(chunk: Buffer): void; isRight(): boolean } {
  if (expected === undefined) {
    const hash = createHash('sha256');
    return { add: (chunk) => void hash.update(chunk), isRight: () => hash.digest().equals(sha256) };
  }
  let sum = 0;
  return { add: (chunk) => (sum = crc32(chunk, sum)), isRight: () => sum === expected };
}
