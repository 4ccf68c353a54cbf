// Somebody with an account and one device.
let counter = 0;

const encoded = encodeURIComponent;

/** Until it does not throw any more. */
export async function eventually(run, patienceMs = 60_000) {
  for (const end = Date.now() + patienceMs; ; ) {
    try {
      return await run();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

export function check(isSo, what) {
  if (!isSo) throw new Error(what);
}

export class Person {
  constructor(server, { user_id, device_id, access_token }) {
    Object.assign(this, { server, userId: user_id, deviceId: device_id, token: access_token });
  }

  static async register(server, name) {
    const body = { username: `${name}${++counter}`, password: 'a secret', auth: { type: 'm.login.dummy' } };
    const answer = await fetch(`${server.url}/_matrix/client/v3/register`, {
      ...{ method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
    });
    check(answer.ok, `nobody can register at ${server.what}: ${await answer.clone().text()}`);
    return new Person(server, await answer.json());
  }

  async ask(method, path, body) {
    const url = `${this.server.url}/_matrix/client/${/^(v1|unstable)\//.test(path) ? '' : 'v3/'}${path}`;
    const answer = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json().catch(() => ({})) };
  }

  async must(method, path, body) {
    const answer = await this.ask(method, path, body);
    check(
      answer.status === 200,
      `${this.server.what}: ${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`,
    );
    return answer.body;
  }

  /** Uploads a file; its URI. */
  async upload(bytes, type, name) {
    const url = `${this.server.url}/_matrix/media/v3/upload?filename=${encoded(name)}`;
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': type };
    const answer = await fetch(url, { method: 'POST', headers, body: bytes });
    check(answer.ok, `${this.server.what} takes no file: ${answer.status} ${await answer.clone().text()}`);
    return (await answer.json()).content_uri;
  }

  /** A file, or its thumbnail. */
  async download(uri, kind = 'download', query = '') {
    const url = `${this.server.url}/_matrix/client/v1/media/${kind}/${uri.slice('mxc://'.length)}${query}`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${this.token}` } });
    check(answer.ok, `${this.server.what} gives no file: ${answer.status} ${await answer.clone().text()}`);
    return { headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
  }

  async createRoom(options) {
    return (await this.must('POST', 'createRoom', options)).room_id;
  }

  join(roomId, via) {
    return this.must('POST', `join/${encoded(roomId)}?via=${via.name}&server_name=${via.name}`, {});
  }

  async say(roomId, text) {
    const path = `rooms/${encoded(roomId)}/send/m.room.message/${encoded(text)}${++counter}`;
    return (await this.must('PUT', path, { msgtype: 'm.text', body: text })).event_id;
  }

  setState(roomId, type, content, key = '') {
    return this.must('PUT', `rooms/${encoded(roomId)}/state/${type}/${encoded(key)}`, content);
  }

  /** All that this person can page back to, the latest first. */
  async history(roomId) {
    const events = [];
    for (let from = ''; ; ) {
      const page = await this.must('GET', `rooms/${encoded(roomId)}/messages?dir=b&limit=100${from}`);
      events.push(...page.chunk);
      if (page.end === undefined || page.chunk.length === 0) return events;
      from = `&from=${encoded(page.end)}`;
    }
  }

  async hears(roomId, ...texts) {
    await eventually(async () => {
      const said = (await this.history(roomId)).map(({ content }) => content.body);
      for (const text of texts) check(said.includes(text), `${this.server.what} has not heard “${text}”`);
    });
  }

  /** The ids of the current state, in order. */
  async state(roomId) {
    const state = await this.must('GET', `rooms/${encoded(roomId)}/state`);
    return state.map(({ event_id }) => event_id).sort();
  }

  async membership(roomId, userId) {
    const { body } = await this.ask('GET', `rooms/${encoded(roomId)}/state/m.room.member/${encoded(userId)}`);
    return body.membership;
  }

  async becomes(roomId, userId, membership) {
    await eventually(async () => {
      const is = await this.membership(roomId, userId);
      check(is === membership, `for ${this.server.what} ${userId} is ${is}, not ${membership}`);
    });
  }

  sync(more = '') {
    return this.must('GET', `sync?timeout=0${more}`);
  }

  async isInvited(roomId) {
    await eventually(async () =>
      check((await this.sync()).rooms?.invite?.[roomId], `${this.server.what} shows no invite`),
    );
  }
}
