import { request } from 'node:http';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

export interface Call {
  readonly token?: string | undefined;
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Speaks HTTP as clients do, with a Host header of any kind. */
export class HttpClient {
  constructor(private readonly baseUrl: string) {}

  call(method: string, path: string, { token, body, raw, host, headers: others }: Call = {}): Promise<Answer> {
    const url = path.startsWith('/') ? path : `/_matrix/client/v3/${path}`;
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const headers = {
      ...others,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(payload !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(payload),
      }),
      ...(host !== undefined && { host }),
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.baseUrl}${url}`, { method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, text, body: text && JSON.parse(text) });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  get(path: string, token?: string): Promise<Answer> {
    return this.call('GET', path, { token });
  }

  post(path: string, body: unknown, token?: string): Promise<Answer> {
    return this.call('POST', path, { body, token });
  }

  put(path: string, body: unknown, token?: string): Promise<Answer> {
    return this.call('PUT', path, { body, token });
  }

  delete(path: string, token?: string, body?: unknown): Promise<Answer> {
    return this.call('DELETE', path, { body, token });
  }
}

export interface TestUser {
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string;
  readonly password: string;
}

let counter = 0;

/** A name that nobody has yet. */
export function freshName(prefix = 'user'): string {
  counter += 1;
  return `${prefix}-${counter}`;
}

export async function register(http: HttpClient, name = freshName()): Promise<TestUser> {
  const password = `secret of ${name}`;
  const auth = { type: 'm.login.dummy' };
  const { status, body } = await http.post('register', { auth, username: name, password });
  if (status !== 200) throw new Error(`cannot register ${name}: ${JSON.stringify(body)}`);
  return { userId: body.user_id, deviceId: body.device_id, token: body.access_token, password };
}

export function passwordLogin(user: string, password: string, more: object = {}): object {
  return { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password, ...more };
}

export async function logIn(http: HttpClient, { userId, password }: TestUser, more: object = {}): Promise<TestUser> {
  const { status, body } = await http.post('login', passwordLogin(userId, password, more));
  if (status !== 200) throw new Error(`cannot log in ${userId}: ${JSON.stringify(body)}`);
  return { userId, deviceId: body.device_id, token: body.access_token, password };
}
