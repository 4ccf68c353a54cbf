import { pipeline, type Readable, Transform } from 'node:stream';
import { OutgoingError } from './errors.js';

/** The body while it is no longer than `maxBytes`; longer ones fail as soon as that is known. */
export function bounded(
  body: Readable,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  maxBytes: number,
): Readable {
  const announced = Number(headers['content-length'] ?? 0);
  let received = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      if (received > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
  pipeline(body, limit, () => {});
  if (announced > maxBytes) limit.destroy(tooLarge(maxBytes));
  return limit;
}

/** @throws {OutgoingError} when it does not come to its end */
export async function readAll(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk as Buffer);
  } catch (error) {
    if (error instanceof OutgoingError) throw error;
    const { name, message } = error as Error;
    if (name === 'TimeoutError' || name === 'AbortError' || name === 'BodyTimeoutError') {
      throw new OutgoingError('timeout', 'the answer did not arrive in time', { cause: error });
    }
    throw new OutgoingError('network', `the answer broke off: ${message}`, { cause: error });
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): OutgoingError {
  return new OutgoingError('too-large', `the answer is longer than ${maxBytes} bytes`);
}
