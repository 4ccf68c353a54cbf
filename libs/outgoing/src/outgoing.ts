import { validateHeaderValue } from 'node:http';
import type { Readable } from 'node:stream';
import { AddressRules } from './address-rules.js';
import type { CheckedAgent } from './agent.js';
import { bounded, readAll } from './bounded-body.js';
import type { AddressLookup } from './checked-connector.js';
import { OutgoingError } from './errors.js';
import { nextHop, outgoingUrl } from './hops.js';

export interface OutgoingOptions {
  /** Private networks that may be reached all the same: addresses and ranges. */
  readonly allowedNetworks?: readonly string[];
  /** PEM certificates that are trusted, instead of the ones that Node comes with. */
  readonly ca?: readonly string[] | undefined;
  /** Connections to one host and port at most. */
  readonly connections?: number;
  readonly connectTimeoutMs?: number;
  /** How names are looked up; by default as the system does. */
  readonly lookup?: AddressLookup;
}

export interface OutgoingRequest {
  readonly url: string | URL;
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | undefined;
  /** The whole of it, with its redirects and its body, takes so long at most. */
  readonly timeoutMs: number;
  /** An answer with a longer body fails. */
  readonly maxBytes: number;
  /** How many redirects are followed; by default none is, and the answer is the redirect. */
  readonly maxRedirects?: number;
  /** By default https: only. */
  readonly protocols?: readonly ('http:' | 'https:')[];
  readonly signal?: AbortSignal | undefined;
  /** Whether a URL may be asked at all, that of each redirect, too. */
  readonly allows?: (url: URL) => boolean;
}

/** What came back, its body still on its way: it must be read or destroyed. */
export interface OutgoingStream {
  /** Where the answer comes from in the end. */
  readonly url: URL;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Fails with an `OutgoingError` when it is too long, too slow or cut off. */
  readonly body: Readable;
}

export interface OutgoingAnswer extends Omit<OutgoingStream, 'body'> {
  readonly body: Buffer;
}

/**
 * Requests to hosts that others name. Whatever they name, nothing but the Internet and the allowed networks is connected to,
 * and how long and how large an answer is stays within what was asked for.
 */
export class Outgoing {
  readonly #options: OutgoingOptions;
  #agent: Promise<CheckedAgent> | undefined;

  /** @throws Error for networks that are none */
  constructor(options: OutgoingOptions = {}) {
    this.#options = options;
    // What cannot be used has to be told now.
    new AddressRules(options.allowedNetworks ?? []);
  }

  /** The answer with its whole body. @throws {OutgoingError} */
  async request(asked: OutgoingRequest): Promise<OutgoingAnswer> {
    const { body, ...answer } = await this.open(asked);
    return { ...answer, body: await readAll(body) };
  }

  /** The answer with its body as it comes. @throws {OutgoingError} */
  async open(asked: OutgoingRequest): Promise<OutgoingStream> {
    const late = AbortSignal.timeout(asked.timeoutMs);
    const signal = asked.signal === undefined ? late : AbortSignal.any([late, asked.signal]);
    let url = outgoingUrl(asked.url, asked.protocols);
    for (let left = asked.maxRedirects ?? 0; ; left--) {
      if (asked.allows?.(url) === false) throw new OutgoingError('url', `${url.host} must not be asked`);
      const answer = await this.#once(url, asked, signal);
      const next = asked.maxRedirects ? nextHop(url, answer, asked.protocols) : undefined;
      if (next === undefined) return { url, ...answer, body: bounded(answer.body, answer.headers, asked.maxBytes) };
      answer.body.on('error', () => {}).destroy();
      if (left <= 0) throw new OutgoingError('redirect', `${url.host} redirects too often`);
      url = next;
    }
  }

  async #once(url: URL, asked: OutgoingRequest, signal: AbortSignal) {
    checkHeaders(asked.headers);
    try {
      this.#agent ??= this.#load();
      const answer = (await this.#agent).request(url, {
        method: asked.method ?? 'GET',
        headers: { ...asked.headers },
        body: asked.body ?? null,
        headersTimeout: asked.timeoutMs,
        bodyTimeout: asked.timeoutMs,
        signal,
      });
      const { statusCode, headers, body } = await unlessAborted(answer, signal);
      return { status: statusCode, headers, body: body as Readable };
    } catch (error) {
      throw asOutgoingError(error, url);
    }
  }

  async #load(): Promise<CheckedAgent> {
    const { CheckedAgent } = await import('./agent.js');
    return new CheckedAgent(this.#options);
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await (await this.#agent)?.close();
  }
}

/** What a header cannot hold is refused before the agent sees it, who would wait for ever with all that comes after. */
function checkHeaders(headers: Readonly<Record<string, string>> = {}): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderValue(name, value);
    } catch (error) {
      throw new OutgoingError('header', `the header ${name} cannot hold what it should`, { cause: error });
    }
  }
}

/** The agent ends what it works on; what waits for a connection it leaves waiting. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function asOutgoingError(error: unknown, url: URL): OutgoingError {
  if (error instanceof OutgoingError) return error;
  const { name = '', code = '', message = '' } = (error ?? {}) as { name?: string; code?: string; message?: string };
  const late = name === 'TimeoutError' || name === 'AbortError' || /TIMEOUT/.test(code);
  if (late) return new OutgoingError('timeout', `${url.host} did not answer in time`, { cause: error });
  return new OutgoingError('network', `${url.host} could not be reached: ${code || message}`, { cause: error });
}
