import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  encodeBase64,
  generateSigningKey,
  type JsonObject,
  ready,
  type SigningKey,
  signJson,
} from '@ganglion/protocol';
import type { Authority } from '@ganglion/testing';
import { type Answer, exchange } from './person.js';

export interface StoredInvite extends JsonObject {
  readonly address: string;
  readonly room_id: string;
  readonly sender: string;
}

/** What one of its clients calls itself. */
const TOKEN = 'identity-token';

/** An identity server, on loopback: who has which address, and whom to tell when that becomes known. */
export class IdentityServer {
  /** Whose an e-mail address is. */
  readonly owners = new Map<string, string>();
  /** What is stored, by token. */
  readonly invites = new Map<string, StoredInvite>();
  /** The paths of what was asked, in order. */
  readonly asked: string[] = [];
  /** Whether it stands by its keys. */
  isTrue = true;
  pepper = 'pepper';
  /** Of the next one that asks what to hash with. */
  oldPepper: string | undefined;

  private constructor(
    private readonly server: Server,
    readonly key: SigningKey,
  ) {}

  static async start(authority: Authority): Promise<IdentityServer> {
    await ready();
    const { cert, key } = await authority.issue('127.0.0.1');
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const identity = new IdentityServer(server, generateSigningKey('0'));
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const isKnown = request.headers.authorization === `Bearer ${TOKEN}`;
      const url = new URL(request.url ?? '', 'https://identity');
      identity.asked.push(url.pathname);
      const { status, body } = identity.#answer(url, text === '' ? {} : JSON.parse(text), isKnown);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    return identity;
  }

  get name(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** How a client names an address there. */
  of(address: string, id_access_token = TOKEN) {
    return { medium: 'email', address, id_server: this.name, id_access_token };
  }

  /** Somebody shows that an address is theirs: their server hears of the invites that have waited for that. */
  bind(address: string, mxid: string, url: string, changes: object = {}): Promise<Answer> {
    this.owners.set(address, mxid);
    const waiting = [...this.invites].filter(([, invite]) => invite.address === address);
    const invites = waiting.map(([token, { room_id, sender }]) => {
      return { medium: 'email', address, mxid, room_id, sender, signed: this.sign({ mxid, token }) };
    });
    const body = { medium: 'email', address, mxid, invites, ...changes };
    return exchange(url, 'PUT', '/_matrix/federation/v1/3pid/onbind', { body });
  }

  sign(statement: JsonObject): JsonObject {
    return signJson(statement, 'identity.test', this.key) as unknown as JsonObject;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #answer({ pathname, searchParams }: URL, body: JsonObject, isKnown: boolean): { status: number; body: object } {
    const publicKey = encodeBase64(this.key.publicKey);
    const what = pathname.split('/').at(-1);
    if (what === 'isvalid') {
      return { status: 200, body: { valid: this.isTrue && searchParams.get('public_key') === publicKey } };
    }
    if (!isKnown) return { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Who are you?' } };
    if (what === 'hash_details') {
      const lookup_pepper = this.oldPepper ?? this.pepper;
      this.oldPepper = undefined;
      return { status: 200, body: { lookup_pepper, algorithms: ['none', 'sha256'] } };
    }
    if (what === 'lookup') return this.#lookUp(body);
    const token = `token${this.invites.size}`;
    this.invites.set(token, body as StoredInvite);
    const key_validity_url = `https://${this.name}/_matrix/identity/v2/pubkey/isvalid`;
    const public_keys = [{ public_key: publicKey, key_validity_url }];
    return { status: 200, body: { token, display_name: 'so...@e...', public_keys, public_key: publicKey } };
  }

  #lookUp({ pepper, algorithm, addresses }: JsonObject): { status: number; body: object } {
    if (pepper !== this.pepper || algorithm !== 'sha256') {
      return { status: 400, body: { errcode: 'M_INVALID_PEPPER', error: 'Not that' } };
    }
    const hash = (address: string) => createHash('sha256').update(`${address} email ${pepper}`).digest('base64url');
    const known = [...this.owners].map(([address, userId]) => [hash(address), userId] as const);
    return {
      status: 200,
      body: { mappings: Object.fromEntries(known.filter(([it]) => (addresses as string[]).includes(it))) },
    };
  }
}
