import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Call {
  readonly method: Method;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** What a homeserver said instead of doing what it was asked. */
export class Refusal extends Error {
  readonly errcode: string;

  constructor(
    readonly status: number,
    readonly body: Readonly<Record<string, unknown>>,
    what: string,
  ) {
    super(`${what} was refused: ${status} ${JSON.stringify(body)}`);
    this.errcode = String(body.errcode);
  }
}

/** Long polls take as long as they take. */
const dispatcher = new Agent({ allowH2: false, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });

/** One request. @throws Refusal for any status but 2xx, and what undici throws when the connection breaks */
export async function call<T>({ method, url, headers, body, signal }: Call): Promise<T> {
  const answer = await request(url, {
    method,
    dispatcher,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 200 && answer.statusCode < 300) return JSON.parse(text) as T;
  throw new Refusal(answer.statusCode, parsed(text), `${method} ${url}`);
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}

const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** Whether the same request may succeed later: the connection broke, the server is in trouble, or wants us to slow down. */
export function isTemporary(error: unknown): boolean {
  return !(error instanceof Refusal) || error.status >= 500 || error.status === 429;
}

/**
 * Does something again and again, as a good client does, until it works.
 *
 * @throws what it fails with when a retry cannot cure it, or has not cured it for a minute
 */
export async function persistently<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted || !isTemporary(error) || Date.now() > deadline) throw error;
      await sleep(pause);
    }
  }
}
