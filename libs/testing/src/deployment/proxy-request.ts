import type { IncomingMessage } from 'node:http';

/** Between two neighbours only: the next connection has its own. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What may be done twice. @see https://www.rfc-editor.org/rfc/rfc9110#name-idempotent-methods */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** The request never reached a process, whatever its method. */
const NOT_SENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT']);

const LARGEST_KEPT = 1_048_576;

/** Headers in the flat form of Node, without those that end here. */
export function withoutHopByHop(headers: readonly string[]): string[] {
  return headers.filter((_, index) => !HOP_BY_HOP.has((headers[index - (index % 2)] ?? '').toLowerCase()));
}

/** The headers of a request as they go on, with the client's address. The host stays: it picks the server name. */
export function forwardedHeaders({ rawHeaders, headers, socket }: IncomingMessage): string[] {
  const kept = withoutHopByHop(rawHeaders);
  const others = kept.filter((_, index) => kept[index - (index % 2)]?.toLowerCase() !== 'x-forwarded-for');
  const chain = [headers['x-forwarded-for'], socket.remoteAddress].filter((entry) => entry !== undefined);
  return [...others, 'x-forwarded-for', chain.join(', ')];
}

/** The body, kept so that it can be sent twice; one that is large or of unknown size is only passed on. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer | IncomingMessage | null> {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  if (length === undefined && coding === undefined) return null;
  if (length === undefined || Number(length) > LARGEST_KEPT) return request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Whether another replica may get a request on which this one has failed before it answered. */
export function mayRetry(method: string, body: Buffer | IncomingMessage | null, error: unknown): boolean {
  if (body !== null && !Buffer.isBuffer(body)) return false;
  return IDEMPOTENT.has(method) || NOT_SENT.has(String((error as NodeJS.ErrnoException).code));
}
