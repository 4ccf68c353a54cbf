import { request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Parsed, when it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any;
}

export interface Exchange {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is when it is text or bytes, and as JSON otherwise. */
  readonly body?: unknown;
}

const V3 = '/_matrix/client/v3';

/** One request, whose path is sent to the letter. */
export function exchange(url: string, method: string, path: string, { headers, body }: Exchange = {}): Promise<Answer> {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const payload = isRaw || body === undefined ? body : JSON.stringify(body);
  const { hostname, port } = new URL(url);
  const length = payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) };
  const options = {
    hostname,
    port,
    method,
    path,
    headers: { 'content-type': 'application/json', ...headers, ...length },
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

let counter = 0;

/** Somebody with an account and one device. Answers are looked at, whatever they say. */
export class Person {
  constructor(
    readonly url: string,
    readonly userId: string,
    readonly deviceId: string,
    readonly token: string,
    readonly password: string,
  ) {}

  /** Somebody with a name that nobody has yet. */
  static async register(url: string, prefix = 'person'): Promise<Person> {
    counter += 1;
    return Person.registerAs(url, `${prefix}-${counter}`);
  }

  static async registerAs(url: string, username: string): Promise<Person> {
    const password = `secret of ${username}`;
    const body = { username, password, auth: { type: 'm.login.dummy' } };
    const answer = await exchange(url, 'POST', `${V3}/register`, { body });
    if (answer.status !== 200) throw new Error(`cannot register: ${JSON.stringify(answer.body)}`);
    const { user_id, device_id, access_token } = answer.body;
    return new Person(url, user_id, device_id, access_token, password);
  }

  /** The same person on another device. */
  async onNewDevice(): Promise<Person> {
    const { userId, password } = this;
    const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password };
    const answer = await exchange(this.url, 'POST', `${V3}/login`, { body });
    return new Person(this.url, userId, answer.body.device_id, answer.body.access_token, password);
  }

  /** The same device, at another replica. */
  at(url: string): Person {
    return new Person(url, this.userId, this.deviceId, this.token, this.password);
  }

  /** A request below /_matrix/client/v3, or to a path that begins with a slash. */
  call(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.token}` };
    return exchange(this.url, method, path.startsWith('/') ? path : `${V3}/${path}`, { headers, body });
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  post(path: string, body: unknown = {}): Promise<Answer> {
    return this.call('POST', path, body);
  }

  put(path: string, body: unknown = {}): Promise<Answer> {
    return this.call('PUT', path, body);
  }

  /** @throws Error when it is refused */
  async createRoom(options: object = {}): Promise<string> {
    const { status, body } = await this.post('createRoom', options);
    if (status !== 200) throw new Error(`cannot make a room: ${JSON.stringify(body)}`);
    return body.room_id;
  }

  /** Sends a text message; the event id. @throws Error when it is refused */
  async say(roomId: string, text: string, txnId = text): Promise<string> {
    const content = { msgtype: 'm.text', body: text };
    const { status, body } = await this.put(
      `${inRoom(roomId)}/send/m.room.message/${encodeURIComponent(txnId)}`,
      content,
    );
    if (status !== 200) throw new Error(`cannot say ${text}: ${JSON.stringify(body)}`);
    return body.event_id;
  }

  /** Takes an answer's word for it. @throws Error when it is refused */
  async must(method: string, path: string, body: unknown = {}): Promise<Answer['body']> {
    const answer = await this.call(method, path, method === 'GET' ? undefined : body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

/** The path of a room. */
export function inRoom(roomId: string): string {
  return `rooms/${encodeURIComponent(roomId)}`;
}
