import type { IncomingMessage } from 'node:http';
import { MatrixError } from '@ganglion/contracts';
import type { FastifyRequest } from 'fastify';
import type { Upload } from '../domain/uploads.js';

/** How long a client that goes on sending what was refused is listened to, so that it comes to read why. */
const LINGER_MS = 10_000;
/** Whoever sends less in the same time as nobody may stand still in keeps a connection for nothing. */
const LEAST_BYTES = 1_024;

/**
 * Has a file taken in while it arrives.
 *
 * @param idleMs an upload of which hardly anything comes for so long is given up
 * @throws MatrixError M_UNKNOWN when it breaks off or stands still, and whatever `take` throws
 */
export async function takeIn<T>(
  { headers, raw }: FastifyRequest,
  about: Pick<Upload, 'userId' | 'fileName'>,
  idleMs: number,
  take: (upload: Upload) => Promise<T>,
): Promise<T> {
  const announced = Number(headers['content-length']);
  try {
    return await take({
      ...about,
      contentType: headers['content-type'],
      announcedBytes: Number.isSafeInteger(announced) ? announced : undefined,
      body: chunksOf(raw, idleMs),
    });
  } catch (error) {
    letGo(raw);
    throw error;
  }
}

/** The connection stays as it is when somebody stops reading: an answer has to go back through it. */
async function* chunksOf(raw: IncomingMessage, idleMs: number): AsyncIterable<Uint8Array> {
  const { promise: idle, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new MatrixError(408, 'M_UNKNOWN', 'The upload stood still')), idleMs);
  idle.catch(() => {});
  const chunks = raw.iterator({ destroyOnReturn: false });
  let bytes = 0;
  try {
    for (;;) {
      const { value, done } = await Promise.race([chunks.next(), idle]);
      if (done) break;
      bytes += (value as Uint8Array).length;
      if (bytes >= LEAST_BYTES) {
        timer.refresh();
        bytes = 0;
      }
      yield value as Uint8Array;
    }
  } catch (error) {
    throw error instanceof MatrixError ? error : new MatrixError(400, 'M_UNKNOWN', 'The upload broke off');
  } finally {
    clearTimeout(timer);
  }
}

function letGo(raw: IncomingMessage): void {
  if (raw.complete || raw.destroyed) return;
  raw.on('error', () => {});
  raw.resume();
  const timer = setTimeout(() => raw.complete || raw.destroy(), LINGER_MS).unref();
  raw.once('close', () => clearTimeout(timer));
}
