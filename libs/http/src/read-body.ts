import { MatrixError } from '@ganglion/contracts';
import type { FastifyRequest } from 'fastify';

/** How long a body that is read as a whole may take to arrive. */
const LONGEST_MS = 300_000;

/**
 * The whole body of a request.
 *
 * @throws MatrixError M_TOO_LARGE, M_NOT_JSON when it is not as long as was said, M_UNKNOWN when it does not arrive in time
 */
export function readBody({ headers, raw }: FastifyRequest, maxBytes: number): Promise<Buffer> {
  const announced = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  if (announced !== undefined && announced > maxBytes) return Promise.reject(tooLarge());
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const late = setTimeout(
    () => reject(new MatrixError(408, 'M_UNKNOWN', 'The request did not arrive in time')),
    LONGEST_MS,
  ).unref();
  const chunks: Buffer[] = [];
  let received = 0;
  const onData = (chunk: Buffer) => {
    received += chunk.length;
    if (received > maxBytes) reject(tooLarge());
    else chunks.push(chunk);
  };
  const onEnd = () => {
    if (announced !== undefined && announced !== received) reject(wrongLength());
    else resolve(Buffer.concat(chunks, received));
  };
  const onError = () => reject(wrongLength());
  raw.on('data', onData).on('end', onEnd).on('error', onError);
  return promise.finally(() => {
    clearTimeout(late);
    raw.off('data', onData).off('end', onEnd);
  });
}

function tooLarge(): MatrixError {
  return new MatrixError(413, 'M_TOO_LARGE', 'Request body is too large');
}

function wrongLength(): MatrixError {
  return new MatrixError(400, 'M_NOT_JSON', 'Request body size did not match Content-Length');
}
