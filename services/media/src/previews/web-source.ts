import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Outgoing, OutgoingError } from '@ganglion/outgoing';
import { type FetchedResource, UnreachableUrlError, type WebSource } from '../domain/ports/preview-ports.js';
import { readThrough } from '../domain/read-through.js';

export interface WebSettings {
  readonly allowedNetworks: readonly string[];
  /** Of hosts, where * stands for anything. */
  readonly deniedHosts: readonly string[];
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  readonly acceptLanguage: string;
}

/** More than anybody reads: whoever reads stops when it has enough. */
const WITHOUT_END = Number.MAX_SAFE_INTEGER;
const PROTOCOLS = ['http:', 'https:'] as const;
const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Gets pages and pictures from the Web, and from no network that is not part of it unless that is configured. */
export class OutgoingWebSource implements WebSource {
  readonly #outgoing: Outgoing;
  readonly #denied: readonly RegExp[];

  constructor(
    private readonly settings: WebSettings,
    outgoing?: Outgoing,
  ) {
    this.#outgoing = outgoing ?? new Outgoing({ allowedNetworks: settings.allowedNetworks, connections: 4 });
    this.#denied = settings.deniedHosts.map(hostPattern);
  }

  async open(url: URL, accept: string): Promise<FetchedResource> {
    const { timeoutMs, maxRedirects, acceptLanguage } = this.settings;
    const headers = {
      ...{ accept, 'accept-language': acceptLanguage, 'accept-encoding': 'identity' },
      'user-agent': 'Mozilla/5.0 (compatible; Ganglion; link preview bot)',
    };
    const allows = ({ hostname }: URL) => !this.#denied.some((pattern) => pattern.test(hostname));
    try {
      const asked = { url, headers, timeoutMs, maxRedirects, maxBytes: WITHOUT_END, protocols: PROTOCOLS, allows };
      const answer = await this.#outgoing.open(asked);
      return this.#resource(answer);
    } catch (error) {
      throw asUnreachable(error);
    }
  }

  async close(): Promise<void> {
    await this.#outgoing.close();
  }

  #resource({ url, status, headers, body }: Awaited<ReturnType<Outgoing['open']>>): FetchedResource {
    if (status < 200 || status > 299) {
      body.on('error', () => {}).destroy();
      throw new UnreachableUrlError(`${url.host} answers ${status}`, false);
    }
    return {
      url,
      contentType: one(headers['content-type']),
      body: told(decoded(body, one(headers['content-encoding']))),
    };
  }
}

/** Its failures in our words. */
function told(body: Readable): Readable {
  async function* read() {
    try {
      yield* body;
    } catch (error) {
      const { message } = error as Error;
      throw new UnreachableUrlError(`it breaks off: ${message}`, false, { cause: error });
    }
  }
  return readThrough(body, read());
}

/** Some compress although nobody has asked for it. */
function decoded(body: Readable, encoding: string): Readable {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  const decoder = DECODERS[name];
  if (decoder === undefined) {
    body.on('error', () => {}).destroy();
    throw new UnreachableUrlError('it is compressed in a way that we do not know', false);
  }
  return pipeline(body, decoder(), () => {}) as unknown as Readable;
}

function one(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? '';
}

function hostPattern(glob: string): RegExp {
  const parts = glob
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]{0,255}')}\\.?$`, 'i');
}

function asUnreachable(error: unknown): unknown {
  if (!(error instanceof OutgoingError)) return error;
  const isForbidden = error.fault === 'address' || error.fault === 'url';
  return new UnreachableUrlError(error.message, isForbidden, { cause: error });
}
