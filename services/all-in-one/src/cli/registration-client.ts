import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { CliError } from './context.js';

export interface Registration {
  readonly nonce: string;
  readonly username: string;
  readonly password: string;
  readonly admin: boolean;
  readonly displayname?: string;
  readonly mac: string;
  /** Make the account only; nobody logs in by it. */
  readonly inhibit_login: true;
}

const nonceAnswer = z.object({ nonce: z.string() });
const registeredAnswer = z.object({ user_id: z.string() });
const errorAnswer = z.object({ errcode: z.string(), error: z.string().default('') });

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const TIMEOUT_MS = 30_000;

/** Speaks to /_synapse/admin/v1/register of a running server, in the name of one of its server names. */
export class RegistrationClient {
  readonly #url: URL;
  readonly #serverName: string;

  constructor(baseUrl: string, serverName: string) {
    this.#url = new URL('/_synapse/admin/v1/register', baseUrl);
    this.#serverName = serverName;
  }

  /** @throws CliError when the server does not answer, or not like one */
  async nonce(): Promise<string> {
    return this.#read(await this.#call('GET'), nonceAnswer).nonce;
  }

  /** Returns the user id. @throws CliError with what the server says when it refuses */
  async register(registration: Registration): Promise<string> {
    return this.#read(await this.#call('POST', JSON.stringify(registration)), registeredAnswer).user_id;
  }

  #read<T>({ status, body }: Answer, schema: z.ZodType<T>): T {
    const refusal = errorAnswer.safeParse(body);
    if (status !== 200 && refusal.success) {
      throw new CliError(`The server refused: ${refusal.data.error} (${refusal.data.errcode})`);
    }
    const parsed = schema.safeParse(body);
    if (status === 200 && parsed.success) return parsed.data;
    throw new CliError(`${this.#url.origin} does not answer like a Matrix homeserver (HTTP ${status}).`);
  }

  async #call(method: string, body = ''): Promise<Answer> {
    try {
      return await this.#send(method, body);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new CliError(`No server answers at ${this.#url.origin} (${message || code}). Is it running?`);
    }
  }

  /** Not by fetch, which lets nobody choose the Host, by which a deployment knows which of its names is meant. */
  #send(method: string, body: string): Promise<Answer> {
    const request = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    const headers = {
      host: this.#serverName,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    return new Promise((resolve, reject) => {
      request(this.#url, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
        .on('response', (response) => {
          text(response).then(
            (answer) => resolve({ status: response.statusCode ?? 0, body: parseJson(answer) }),
            reject,
          );
        })
        .on('error', reject)
        .end(body);
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
