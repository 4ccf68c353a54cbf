import { MatrixError } from '@ganglion/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { largeBodyOf } from './large-body.js';
import { lenientBodyOf } from './lenient-body.js';
import { readBody } from './read-body.js';
import { isStreamed } from './streamed-body.js';
import { unstorablePart } from './unstorable.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What an event may be nested, and more than any request needs; far below what overflows the stack of JSON.stringify. */
const MAX_NESTING = 512;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{` differ in one bit, as do `]` and `}`. */
const BRACKET_BIT = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

const TEXT = Symbol('text');

type ReadRequest = FastifyRequest & { [TEXT]?: string };

/** The body of a request as it came, which is JSON; empty when there was none. */
export function bodyText(request: FastifyRequest): string {
  return (request as ReadRequest)[TEXT] ?? '';
}

/**
 * Reads every body as JSON whatever its content type says, as the clients of today are used to, and refuses what is not
 * UTF-8, not JSON, nested without end or cannot be kept as it is. An empty body stays undefined: the endpoint's schema
 * decides whether that is allowed. What is streamed is left to its endpoint.
 */
export function parseJsonBodies(app: FastifyInstance, maxBytes: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest) => {
    if (isStreamed(request)) return undefined;
    const lenient = lenientBodyOf(request);
    if (lenient !== undefined) return keepText(await readBody(request, lenient.maxBytes), request);
    return parseJson(await readBody(request, Math.max(maxBytes, largeBodyOf(request))), request);
  });
}

function parseJson(body: Buffer, request: ReadRequest): unknown {
  if (body.length === 0) return undefined;
  const { text, value } = parse(body);
  if (isNestedTooDeeply(body)) {
    throw new MatrixError(400, 'M_BAD_JSON', `The body is nested more than ${MAX_NESTING} levels deep`);
  }
  const unstorable = unstorablePart(value, text);
  if (unstorable !== undefined) throw new MatrixError(400, 'M_BAD_JSON', `The body holds ${unstorable}`);
  request[TEXT] = text;
  return value;
}

/** The endpoint finds its text, and nothing else. */
function keepText(body: Buffer, request: ReadRequest): undefined {
  try {
    request[TEXT] = utf8.decode(body);
  } catch {
    throw new MatrixError(400, 'M_NOT_JSON', 'The body is not UTF-8');
  }
}

function parse(body: Buffer): { text: string; value: unknown } {
  try {
    const text = utf8.decode(body);
    return { text, value: JSON.parse(text) };
  } catch (error) {
    throw new MatrixError(400, 'M_NOT_JSON', `The body is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** Looks at the bytes of what is known to be JSON; a short body cannot be deep. */
function isNestedTooDeeply(body: Buffer): boolean {
  if (body.length <= 2 * MAX_NESTING) return false;
  let depth = 0;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index]!;
    if (byte === QUOTE) index = endOfString(body, index);
    else if ((byte | BRACKET_BIT) === OPENING && ++depth > MAX_NESTING) return true;
    else if ((byte | BRACKET_BIT) === CLOSING) depth--;
  }
  return false;
}

function endOfString(body: Buffer, start: number): number {
  let index = start + 1;
  while (body[index] !== QUOTE) index += body[index] === BACKSLASH ? 2 : 1;
  return index;
}
