import { randomBytes } from 'node:crypto';
import { create as disposition } from 'content-disposition';
import type { FastifyReply } from 'fastify';
import { mayBeInline } from '../domain/content-types.js';
import { readThrough } from '../domain/read-through.js';
import type { OutgoingFile } from './outgoing-file.js';

/**
 * Answers another server with a file: what is known of it as JSON, nothing yet, and its bytes.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid
 */
export async function sendMultipart(reply: FastifyReply, file: OutgoingFile): Promise<void> {
  const boundary = randomBytes(24).toString('hex');
  const type = mayBeInline(file.contentType) ? 'inline' : 'attachment';
  const head = Buffer.from(
    [
      `--${boundary}`,
      'Content-Type: application/json',
      '',
      '{}',
      `--${boundary}`,
      `Content-Type: ${file.contentType}`,
      `Content-Disposition: ${disposition(file.name, { type })}`,
      '',
      '',
    ].join('\r\n'),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const body = await file.open();
  async function* all() {
    yield head;
    yield* body;
    yield tail;
  }
  reply.headers({
    'content-type': `multipart/mixed; boundary=${boundary}`,
    'content-length': head.length + file.bytes + tail.length,
  });
  reply.send(readThrough(body, all()));
}
