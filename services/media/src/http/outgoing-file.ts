import { Readable } from 'node:stream';
import { create as disposition } from 'content-disposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { byteRange, UNSATISFIABLE } from '../domain/byte-ranges.js';
import { mayBeInline } from '../domain/content-types.js';
import type { ByteRange } from '../domain/ports/byte-store.js';

/** What is sent, and how to read it. */
export interface OutgoingFile {
  readonly contentType: string;
  readonly name: string | undefined;
  readonly bytes: number;
  /** Of these bytes and no others. */
  readonly tag: string;
  open(range?: ByteRange): Promise<Readable>;
  /** Where else it can be had, by those who follow redirects. */
  elsewhere?(contentType: string, disposition: string): Promise<string | undefined>;
}

/** A file never changes, and browsers must do nothing with it but show or save it. */
const ALWAYS = {
  'content-security-policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'cross-origin-resource-policy': 'cross-origin',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex, nofollow, noarchive, noimageindex',
  'referrer-policy': 'no-referrer',
  'accept-ranges': 'bytes',
};
const IMMUTABLE = 'max-age=31536000, immutable';

/**
 * Answers with a file, a part of it, or that whoever asks has it already.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#content-repository
 */
export async function sendFile(
  { headers, method }: FastifyRequest,
  reply: FastifyReply,
  file: OutgoingFile,
  isPublic: boolean,
): Promise<void> {
  const etag = `"${file.tag}"`;
  const kept = { etag, 'cache-control': `${isPublic ? 'public' : 'private'}, ${IMMUTABLE}` };
  reply.headers(ALWAYS);
  if (isOneOf(headers['if-none-match'], etag)) return void reply.status(304).headers(kept).send();
  const type = mayBeInline(file.contentType) ? 'inline' : 'attachment';
  const contentDisposition = disposition(file.name, { type });
  const location = await file.elsewhere?.(file.contentType, contentDisposition);
  // The link ends before what it leads to.
  if (location !== undefined) {
    return void reply.status(307).headers({ location, 'cache-control': 'no-store' }).send();
  }
  const range = isStale(headers['if-range'], etag) ? undefined : byteRange(headers.range, file.bytes);
  if (range === UNSATISFIABLE) {
    return void reply.status(416).header('content-range', `bytes */${file.bytes}`).send();
  }
  // Before any header says that it will come, or how long that is true: an error may not be kept.
  const body = method === 'HEAD' ? Readable.from([]) : await file.open(range);
  if (range) reply.status(206).header('content-range', `bytes ${range.first}-${range.last}/${file.bytes}`);
  reply.headers({
    ...kept,
    'content-type': file.contentType,
    'content-disposition': contentDisposition,
    'content-length': range ? range.last - range.first + 1 : file.bytes,
  });
  reply.send(body);
}

/**
 * Answers with a file of which nobody knows yet how long it is, to somebody who shows a token. Where it breaks off, the answer
 * does, too.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#content-repository
 */
export function sendArriving(
  reply: FastifyReply,
  { contentType, name, body }: Pick<OutgoingFile, 'contentType' | 'name'> & { readonly body: Readable },
): void {
  const type = mayBeInline(contentType) ? 'inline' : 'attachment';
  reply.headers({
    ...ALWAYS,
    'cache-control': `private, ${IMMUTABLE}`,
    'content-type': contentType,
    'content-disposition': disposition(name, { type }),
  });
  reply.send(body);
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
function isOneOf(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => ['*', etag].includes(part.trim().replace(/^W\//, '')));
}

function isStale(ifRange: string | string[] | undefined, etag: string): boolean {
  return ifRange !== undefined && ifRange !== etag;
}
