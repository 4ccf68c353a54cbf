import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface FakeEvent {
  room: string;
  type: string;
  content: { body?: string };
}

/** Ways in which a homeserver can be a bad one. */
export interface Flaws {
  /** Refuses every message. */
  limited?: boolean;
  /** Loses every message whose text this matches on the way to the readers. */
  loses?: RegExp;
}

type Messages = Record<string, Record<string, object>>;

type Answer = [status: number, body: unknown];

/** Just enough of a homeserver, in memory, for the benchmark to run from end to end. */
export class FakeHomeserver {
  readonly registered: string[] = [];
  readonly #flaws: Flaws;
  readonly #events: FakeEvent[] = [];
  readonly #members = new Map<string, Set<string>>();
  readonly #devices = new Map<string, number>();
  readonly #toDevice: { to: string; type: string }[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #server: Server;
  #fileBytes = 0;

  constructor(flaws: Flaws = {}) {
    this.#flaws = flaws;
    this.#server = createServer(async (request, response) => {
      if (request.url?.includes('/media/')) {
        await this.#media(request, response);
        return;
      }
      const [status, body] = await this.#answer(request);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  }

  async listen(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
    const url = new URL(request.url ?? '', 'http://fake');
    const user = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const [, room = '', action = ''] = /\/rooms\/([^/]+)\/(\w+)/.exec(url.pathname)?.map(decodeURIComponent) ?? [];
    if (url.pathname.endsWith('/client/versions')) return [200, { versions: ['v1.19'] }];
    if (url.pathname.endsWith('/federation/v1/version')) return [200, { server: { name: 'Fake', version: '1' } }];
    if (url.pathname.endsWith('/register')) return this.#register(body);
    if (url.pathname.endsWith('/createRoom')) return this.#create(user);
    if (url.pathname.endsWith('/sync')) return this.#sync(user, url.searchParams);
    if (url.pathname.endsWith('/login')) return this.#logIn(body);
    if (url.pathname.endsWith('/keys/upload')) return this.#upload(user, body);
    if (url.pathname.endsWith('/keys/claim')) return [200, { failures: {}, one_time_keys: {} }];
    if (url.pathname.endsWith('/keys/query')) return this.#query(body);
    if (url.pathname.includes('/sendToDevice/')) return this.#sendToDevice(url.pathname, body);
    if (action === 'join') return this.#join(user, room);
    if (action === 'send') return this.#send(user, room, body);
    if (action === 'typing' || action === 'receipt') return [200, {}];
    if (action === 'messages')
      return [200, { chunk: this.#events.filter((event) => event.room === room), end: 'more' }];
    return [404, { errcode: 'M_UNRECOGNIZED' }];
  }

  /** Takes any file, and gives out one that is nothing but as long as the last one. */
  async #media(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      response.end(Buffer.alloc(this.#fileBytes));
      return;
    }
    this.#fileBytes = 0;
    for await (const chunk of request) this.#fileBytes += (chunk as Buffer).length;
    response.end(JSON.stringify({ content_uri: `mxc://fake/${this.#fileBytes}` }));
  }

  #register({ username, auth }: { username: string; auth?: unknown }): Answer {
    if (!auth) return [401, { session: 's', flows: [{ stages: ['m.login.dummy'] }] }];
    this.registered.push(username);
    return [200, { user_id: `@${username}:fake`, device_id: 'FIRST', access_token: username }];
  }

  #logIn({ identifier }: { identifier: { user: string } }): Answer {
    const name = identifier.user.slice(1, identifier.user.indexOf(':'));
    return [200, { user_id: identifier.user, device_id: 'MORE', access_token: name }];
  }

  #upload(user: string, { device_keys }: { device_keys?: object }): Answer {
    if (device_keys) this.#devices.set(`@${user}:fake`, (this.#devices.get(`@${user}:fake`) ?? 0) + 1);
    return [200, { one_time_key_counts: {} }];
  }

  #query(body: { device_keys: object }): Answer {
    const ofUsers = Object.keys(body.device_keys).map((userId) => {
      const devices = Array.from({ length: this.#devices.get(userId) ?? 0 }, (_, n) => [`DEVICE${n}`, {}]);
      return [userId, Object.fromEntries(devices)];
    });
    return [200, { failures: {}, device_keys: Object.fromEntries(ofUsers) }];
  }

  #sendToDevice(path: string, { messages }: { messages: Messages }): Answer {
    const type = path.split('/').at(-2) ?? '';
    this.#toDevice.push(...Object.keys(messages).map((to) => ({ to, type })));
    for (const wake of this.#waiting) wake();
    return [200, {}];
  }

  #create(user: string): Answer {
    const room = `!${this.#members.size}:fake`;
    this.#members.set(room, new Set([user]));
    return [200, { room_id: room }];
  }

  #join(user: string, room: string): Answer {
    this.#members.get(room)?.add(user);
    return [200, { room_id: room }];
  }

  #send(user: string, room: string, content: { body: string }): Answer {
    if (this.#flaws.limited) return [429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1 }];
    if (!this.#members.get(room)?.has(user)) return [403, { errcode: 'M_FORBIDDEN' }];
    if (!this.#flaws.loses?.test(content.body)) this.#events.push({ room, type: 'm.room.message', content });
    for (const wake of this.#waiting) wake();
    return [200, { event_id: `$${this.#events.length}` }];
  }

  async #sync(user: string, query: URLSearchParams): Promise<Answer> {
    const [since = 0, toDevice = 0] = (query.get('since') ?? '').split('-').map(Number);
    const isNew = () => this.#newsFor(user, since).length + this.#messagesFor(user, toDevice).length > 0;
    const end = Date.now() + Number(query.get('timeout'));
    while (query.has('since') && !isNew() && Date.now() < end) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        setTimeout(resolve, end - Date.now()).unref();
      });
    }
    const rooms = Map.groupBy(this.#newsFor(user, since), (event) => event.room);
    const join = [...rooms].map(([room, events]) => [room, { timeline: { events } }]);
    const events = this.#messagesFor(user, toDevice);
    const next_batch = `${this.#events.length}-${this.#toDevice.length}`;
    return [200, { next_batch, rooms: { join: Object.fromEntries(join) }, to_device: { events } }];
  }

  #newsFor(user: string, since: number): FakeEvent[] {
    return this.#events.slice(since).filter((event) => this.#members.get(event.room)?.has(user));
  }

  #messagesFor(user: string, since: number): { type: string }[] {
    return this.#toDevice.slice(since).filter(({ to }) => to === `@${user}:fake`);
  }
}
