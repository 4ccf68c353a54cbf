import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  canonicalJsonString,
  generateSigningKey,
  type JsonObject,
  type JsonValue,
  publishServerKeys,
  ready,
  type SigningKey,
  signJson,
} from '@ganglion/protocol';
import type { Authority } from '../certificates.js';
import { FarRoom, type FarRoomOptions } from './far-room.js';

export interface FarAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any;
}

/** What was asked of it. */
export interface Asked {
  readonly method: string;
  /** With its query, as it came. */
  readonly path: string;
  readonly body: string;
}

/** That it will not, as it says it. */
export class FarRefusal {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {}
}

/** Answers a request; undefined for what it does not know. */
export type Answering = (asked: Asked) => object | undefined | Promise<object | undefined>;

export interface Changes {
  readonly authorization?: string | undefined;
  /** The body to the letter, whatever was signed. */
  readonly text?: string;
}

const NOT_HERE = new FarRefusal(404, { errcode: 'M_NOT_FOUND', error: 'Not here' });
/** Whatever a test wants to say. */
const AS_IT_IS = { strict: false, maxNesting: 1_300 };
const DAY_MS = 24 * 60 * 60_000;

/** Another homeserver, on loopback, that says whatever a test wants it to, and signs it. */
export class FarServer {
  /** All that was asked, in order. */
  readonly asked: Asked[] = [];
  /** What it answers besides its keys. */
  answering: Answering = () => undefined;
  #transactions = 0;

  private constructor(
    private readonly server: Server,
    readonly key: SigningKey,
    /** Of the server that it talks to. */
    readonly destination: string,
  ) {}

  static async start(authority: Authority, destination = 'one.test'): Promise<FarServer> {
    await ready();
    const files = await authority.issue('127.0.0.1');
    const server = createServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const far = new FarServer(server, generateSigningKey('far'), destination);
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const asked = { method: request.method ?? '', path: request.url ?? '', body: Buffer.concat(chunks).toString() };
      const answer = await far.#answer(asked);
      const refusal = answer === undefined ? NOT_HERE : answer instanceof FarRefusal ? answer : undefined;
      response.writeHead(refusal?.status ?? 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(refusal?.body ?? answer));
    });
    return far;
  }

  get name(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  user(localpart: string): string {
    return `@${localpart}:${this.name}`;
  }

  /** A room of its own; the keys of whoever else has to sign. */
  room(
    options: Omit<FarRoomOptions, 'server' | 'keys'>,
    others: Iterable<readonly [string, SigningKey]> = [],
  ): FarRoom {
    return new FarRoom({ ...options, server: this.name, keys: new Map([...others, [this.name, this.key]]) });
  }

  /** Asks the homeserver at this URL, as another homeserver does. */
  async ask(url: string, method: string, path: string, content?: JsonValue, changes: Changes = {}): Promise<FarAnswer> {
    const authorization =
      'authorization' in changes ? changes.authorization : this.authorization(method, path, content);
    const body = changes.text ?? (content === undefined ? undefined : canonicalJsonString(content, AS_IT_IS));
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** The header with which a request is its own. */
  authorization(method: string, uri: string, content?: JsonValue): string {
    const origin = this.name;
    const request = { method, uri, origin, destination: this.destination, ...(content !== undefined && { content }) };
    const { signatures } = signJson(request, origin, this.key, AS_IT_IS);
    const signature = signatures[origin]?.[this.key.keyId];
    return `X-Matrix origin="${origin}",destination="${this.destination}",key="${this.key.keyId}",sig="${signature}"`;
  }

  /** Sends a transaction of its own. */
  send(url: string, parts: { pdus?: JsonValue[]; edus?: JsonValue[] }, txnId = `t${++this.#transactions}`) {
    const content = { origin: this.name, origin_server_ts: Date.now(), pdus: [], ...parts };
    return this.ask(url, 'PUT', `/_matrix/federation/v1/send/${txnId}`, content);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #answer(asked: Asked): Promise<object | undefined> {
    if (asked.path === '/_matrix/key/v2/server') return publishServerKeys(this.name, this.key, Date.now() + DAY_MS);
    this.asked.push(asked);
    return this.answering(asked);
  }
}

/** The parts of a path below /_matrix/federation/v1. */
export function partsOf({ path }: Asked): string[] {
  const [, below = ''] = path.split('/_matrix/federation/v1/');
  return below.split('?', 1)[0]!.split('/').map(decodeURIComponent);
}

/** The PDU of an event as JSON, to be sent. */
export function pduOf({ json }: { readonly json: string }): JsonObject {
  return JSON.parse(json) as JsonObject;
}
