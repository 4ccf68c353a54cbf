import { Readable } from 'node:stream';

/**
 * Bytes that a generator makes of those of a source. The source is closed together with them, even when nobody has begun to
 * read: a generator that never began cannot close what it was to read.
 *
 * @param highWaterMark how many bytes are read ahead
 */
export function readThrough(source: Readable, made: AsyncIterable<Buffer>, highWaterMark?: number): Readable {
  // Whoever reads is told.
  source.on('error', () => {});
  const out = Readable.from(made, { objectMode: false, ...(highWaterMark !== undefined && { highWaterMark }) });
  return out.once('close', () => source.destroy());
}
