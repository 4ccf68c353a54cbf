import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

export interface Reply {
  status: number;
  body: Buffer;
  /** performance.now() when the last byte was here, before anything was done with it. */
  at: number;
}

export type Method = 'GET' | 'POST' | 'PUT';

/** A homeserver's refusal where the benchmark needs a success to go on. */
export class RefusedError extends Error {
  readonly status: number;
  readonly body: Record<string, unknown>;

  constructor(what: string, status: number, body: Record<string, unknown>) {
    super(`${what} answered ${status} ${String(body.errcode ?? '')}: ${String(body.error ?? '')}`);
    this.status = status;
    this.body = body;
  }
}

/**
 * HTTP as cheap as it gets while still being a real client: kept-alive connections, one request at a time on each, headers and
 * bodies made beforehand, answers left as bytes. It shares the machine with the server, so what it saves, the server has.
 */
export class Client {
  readonly #pool: Pool;
  readonly #prefix: string;

  constructor(url: string, connections = 128) {
    const { origin, pathname } = new URL(url);
    this.#prefix = pathname.replace(/\/$/, '');
    this.#pool = new Pool(origin, { connections, pipelining: 1, allowH2: false, keepAliveTimeout: 60_000 });
  }

  /** One request; whatever the status, an answer is an answer. Rejects only when the connection fails. */
  send(method: Method, path: string, headers: string[], body?: Buffer | string | Readable): Promise<Reply> {
    const chunks: Buffer[] = [];
    return this.#dispatch(method, path, headers, body, chunks, (chunk) => chunks.push(chunk));
  }

  /** A download whose bytes are let go as they come, unless it is refused. */
  pass(path: string, headers: string[]): Promise<Reply> {
    const chunks: Buffer[] = [];
    const keep = (chunk: Buffer, status: number) => (status === 200 ? 0 : chunks.push(chunk));
    return this.#dispatch('GET', path, headers, undefined, chunks, keep);
  }

  #dispatch(
    method: Method,
    path: string,
    headers: string[],
    body: Buffer | string | Readable | undefined,
    chunks: Buffer[],
    take: (chunk: Buffer, status: number) => unknown,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let status = 0;
      this.#pool.dispatch(
        { method, path: this.#prefix + path, headers, body: body ?? null },
        {
          onRequestStart: () => {},
          onResponseStart: (_controller, statusCode) => {
            status = statusCode;
          },
          onResponseData: (_controller, chunk) => {
            take(chunk, status);
          },
          onResponseEnd: () => {
            const at = performance.now();
            resolve({ status, at, body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) });
          },
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
  }

  /**
   * A request that must succeed, with a JSON answer; waits and tries again when told to slow down.
   *
   * @throws RefusedError on any other refusal
   */
  async call<T>(method: Method, path: string, headers: string[], content?: unknown): Promise<T> {
    const body = content === undefined ? undefined : JSON.stringify(content);
    for (;;) {
      const reply = await this.send(method, path, headers, body);
      const answer = readJson(reply);
      if (reply.status >= 200 && reply.status < 300) return answer as T;
      if (reply.status !== 429) throw new RefusedError(`${method} ${path}`, reply.status, answer);
      await sleep(Number(answer.retry_after_ms ?? 500));
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** The JSON object in an answer; an empty one when it holds something else, as a proxy's error page does. */
export function readJson(reply: Reply): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(reply.body.toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
