import type { Readable } from 'node:stream';

/**
 * What a stream begins with, and no more of it than that: whoever streams without end, or breaks off, has said enough. One that
 * fails before anything has come fails.
 */
export async function firstBytes(stream: Readable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let received = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      received += (chunk as Buffer).length;
      if (received >= most) break;
    }
  } catch (error) {
    if (received === 0) throw error;
  } finally {
    stream.on('error', () => {}).destroy();
  }
  return Buffer.concat(chunks).subarray(0, most);
}
