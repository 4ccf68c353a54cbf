import { randomUUID } from 'node:crypto';
import { call, type Method, Refusal } from './http.js';

export interface MatrixUserOptions {
  /** Where the homeserver is reached. */
  readonly url: string;
  readonly userId: string;
  readonly accessToken: string;
  readonly deviceId: string;
}

interface Session {
  readonly user_id: string;
  readonly access_token: string;
  readonly device_id: string;
}

export const PASSWORD = 'correct horse battery staple';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;
type Content = Readonly<Record<string, unknown>>;

/** Somebody who speaks to a homeserver in plain HTTP. Every method does one request and throws Refusal when it is refused. */
export class MatrixUser implements MatrixUserOptions {
  readonly url: string;
  readonly userId: string;
  readonly accessToken: string;
  readonly deviceId: string;

  constructor({ url, userId, accessToken, deviceId }: MatrixUserOptions) {
    this.url = url;
    this.userId = userId;
    this.accessToken = accessToken;
    this.deviceId = deviceId;
  }

  /** Makes an account, by a host name that picks the server name where there are several. */
  static async register(url: string, username: string, host?: string): Promise<MatrixUser> {
    const request = { username, password: PASSWORD };
    const headers = host === undefined ? {} : { host };
    const target = `${url}/_matrix/client/v3/register`;
    const first = await call({ method: 'POST', url: target, headers, body: request }).catch((error) => error);
    if (!(first instanceof Refusal) || first.status !== 401) throw first;
    const auth = { type: 'm.login.dummy', session: first.body.session };
    const body = { ...request, auth };
    const session = await call<Session>({ method: 'POST', url: target, headers, body });
    const { user_id: userId, access_token: accessToken, device_id: deviceId } = session;
    return new MatrixUser({ url, userId, accessToken, deviceId });
  }

  /** The same person, who reaches the homeserver elsewhere. */
  at(url: string): MatrixUser {
    return new MatrixUser({ ...this, url });
  }

  /** A request below /_matrix/client/v3. */
  call<T = Content>(
    method: Method,
    path: string,
    { body, query = {}, signal }: { body?: Content; query?: Query; signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    const url = `${this.url}/_matrix/client/v3/${path}${search === '' ? '' : `?${search}`}`;
    const headers = { authorization: `Bearer ${this.accessToken}` };
    return call<T>({ method, url, headers, body: body ?? (method === 'GET' ? undefined : {}), signal });
  }

  async createRoom(options: Content = {}): Promise<string> {
    const { room_id } = await this.call<{ room_id: string }>('POST', 'createRoom', { body: options });
    return room_id;
  }

  /** @param via a server that knows the room */
  async join(roomIdOrAlias: string, via?: string): Promise<void> {
    await this.call('POST', `join/${encodeURIComponent(roomIdOrAlias)}`, { query: { via } });
  }

  /** Sends a text message; the same `txnId` means the same message. */
  async sendText(roomId: string, text: string, txnId: string = randomUUID()): Promise<string> {
    const path = `rooms/${encodeURIComponent(roomId)}/send/m.room.message/${encodeURIComponent(txnId)}`;
    const body = { msgtype: 'm.text', body: text };
    const { event_id } = await this.call<{ event_id: string }>('PUT', path, { body });
    return event_id;
  }
}
