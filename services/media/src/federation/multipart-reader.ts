import type { Readable } from 'node:stream';
import { readThrough } from '../domain/read-through.js';

/** The last part of a message of several, whose headers have come. */
export interface LastPart {
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Readable;
}

const MAX_HEAD_BYTES = 65_536;
const END_OF_HEAD = '\r\n\r\n';

/** The boundary that a content type of several parts names. @see https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1 */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/mixed\s*;/i.test(contentType)) return undefined;
  const match = /;\s*boundary\s*=\s*(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

/**
 * Reads a message of two parts as it comes, up to the body of the second.
 *
 * @throws Error when it is something else, also while the body is read
 */
export async function readSecondPart(message: Readable, boundary: string): Promise<LastPart> {
  const chunks = message[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  for (;;) {
    const found = secondPart(head, boundary);
    if (found)
      return {
        headers: found.headers,
        body: readThrough(message, bodyOf(found.rest, chunks, boundary, message)),
      };
    if (head.length > MAX_HEAD_BYTES) throw new Error('its parts have headers without end');
    const { value, done } = await chunks.next();
    if (done) throw new Error('it ends before its second part');
    head = Buffer.concat([head, value]);
  }
}

function secondPart(bytes: Buffer, boundary: string): { headers: Map<string, string>; rest: Buffer } | undefined {
  const delimiter = `--${boundary}`;
  const first = bytes.indexOf(delimiter);
  const second = first < 0 ? -1 : bytes.indexOf(`\r\n${delimiter}`, first + delimiter.length);
  if (second < 0) return undefined;
  const start = second + delimiter.length + 2;
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  // A part may have no headers at all.
  const end = bytes.indexOf(END_OF_HEAD, lineEnd);
  if (end < 0) return undefined;
  const lines = bytes.toString('latin1', lineEnd + 2, Math.max(end, lineEnd + 2)).split('\r\n');
  return { headers: new Map(lines.map(headerOf)), rest: bytes.subarray(end + END_OF_HEAD.length) };
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, Math.max(0, colon)).trim().toLowerCase(), line.slice(colon + 1).trim()];
}

/** All up to the delimiter that ends it, which may come in pieces. */
async function* bodyOf(rest: Buffer, chunks: AsyncIterator<Buffer>, boundary: string, message: Readable) {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  let held = rest;
  try {
    for (;;) {
      const end = held.indexOf(delimiter);
      if (end >= 0) {
        if (end > 0) yield held.subarray(0, end);
        return;
      }
      const safe = held.length - delimiter.length + 1;
      if (safe > 0) {
        yield held.subarray(0, safe);
        held = held.subarray(safe);
      }
      const { value, done } = await chunks.next();
      if (done) throw new Error('it ends in the middle of its second part');
      held = Buffer.concat([held, value]);
    }
  } finally {
    message.on('error', () => {}).destroy();
  }
}
