import { type IncomingMessage, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { pipeline } from 'node:stream';
import { z } from 'zod';
import { type JudgedBytes, type Scanner, ScannerUnavailableError, type Verdict } from '../domain/ports/scanner.js';

const MAX_ANSWER_BYTES = 65_536;
const answer = z.object({ allowed: z.boolean(), reason: z.string().max(500).optional() });

/** Asks a service over HTTP: it gets the bytes by POST, and answers `{"allowed": true}`, or false with a reason. */
export class HttpScanner implements Scanner {
  constructor(
    private readonly url: URL,
    private readonly timeoutMs: number,
  ) {}

  async judge(file: JudgedBytes): Promise<Verdict> {
    try {
      const { allowed, reason } = answer.parse(JSON.parse(await this.#ask(file)));
      return allowed ? undefined : { refusedBecause: reason ?? 'it was found to be harmful' };
    } catch (error) {
      throw new ScannerUnavailableError('the scanner gives no verdict', { cause: error });
    }
  }

  async #ask(file: JudgedBytes): Promise<string> {
    const body = await file.open();
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': file.bytes,
      'x-ganglion-sha256': file.sha256.toString('hex'),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const ask = this.url.protocol === 'https:' ? requestTls : request;
    const signal = AbortSignal.timeout(this.timeoutMs);
    const outgoing = ask(this.url, { method: 'POST', headers, signal, agent: false }, resolve);
    // Who answers early need not read all of it.
    pipeline(body, outgoing, (error) => error && reject(error));
    outgoing.on('error', reject);
    const response = await promise;
    if (response.statusCode !== 200) throw new Error(`it answers ${response.statusCode}`);
    return textOf(response);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAX_ANSWER_BYTES) throw new Error('it answers too much');
  }
  return text;
}
