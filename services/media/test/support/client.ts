import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any;
}

export interface Ask {
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string | AsyncIterable<Uint8Array>;
}

/** One request to a media server. */
export async function ask(url: string, method: string, path: string, { as, headers, body }: Ask = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options: RequestOptions = {
    method,
    agent: false,
    headers: { ...(as && { authorization: `Bearer ${encodeURIComponent(as)}` }), ...headers },
  };
  const outgoing = request(`${url}${path}`, options, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const bytes = Buffer.concat(chunks);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, body: parsed(bytes) });
    });
  });
  outgoing.on('error', reject);
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) {
    if (body !== undefined) outgoing.setHeader('content-length', Buffer.byteLength(body));
    outgoing.end(body);
  } else {
    for await (const chunk of body) {
      if (outgoing.destroyed || !outgoing.writable) break;
      await new Promise<void>((written) => outgoing.write(chunk, () => written()));
    }
    outgoing.end();
  }
  return promise;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** A path below which the file of a URI is. */
export function pathOf(uri: string, what = 'download'): string {
  return `/_matrix/client/v1/media/${what}/${uri.replace('mxc://', '')}`;
}

/** The same, where nobody has to show a token. */
export function legacyPathOf(uri: string, what = 'download'): string {
  return `/_matrix/media/v3/${what}/${uri.replace('mxc://', '')}`;
}

export const ALICE = '@alice:one.test';
export const BOB = '@bob:two.test';

/** Uploads something; its URI. @throws Error when it is refused */
export async function upload(url: string, body: Buffer | string, type = 'text/plain', as = ALICE): Promise<string> {
  const answer = await ask(url, 'POST', '/_matrix/media/v3/upload', { as, body, headers: { 'content-type': type } });
  if (answer.status !== 200) throw new Error(`cannot upload: ${answer.status} ${answer.bytes}`);
  return answer.body.content_uri;
}
