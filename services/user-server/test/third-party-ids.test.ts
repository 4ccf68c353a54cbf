import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { isAuthorizedRequest, parseXMatrix } from '@ganglion/protocol';
import { Authority, eventually } from '@ganglion/testing';
import { Deployment, type Instance, signingKeys } from './support/deployment.js';
import { type Answer, type HttpClient, passwordLogin, register } from './support/http-client.js';

interface Asked {
  readonly path: string;
  readonly authorization: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of any shape
  readonly body: any;
}

let authority: Authority;
let server: Server;
let idServer: string;
let asked: Asked[] = [];
let answer: { status: number; body: unknown };
/** What happens while the identity server considers its answer. */
let whileAsked: (() => Promise<void>) | undefined;
let deployment: Deployment;
let instance: Instance;
let http: HttpClient;
beforeAll(async () => {
  authority = await Authority.create('identity');
  const { ca, cert, key } = await authority.issue('127.0.0.1');
  server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
      asked.push({ path: request.url ?? '', authorization: request.headers.authorization ?? '', body });
      await whileAsked?.();
      response.writeHead(answer.status, { location: 'https://127.0.0.1:1/' }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  idServer = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  deployment = await Deployment.create();
  instance = await deployment.start({
    config: { identity_servers: { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: ca } },
  });
  ({ http } = instance);
});
afterAll(async () => {
  await deployment.close();
  server.close();
  authority.end();
});
beforeEach(() => {
  asked = [];
  answer = { status: 200, body: ID };
});

const ID = { medium: 'email', address: 'me@example.org' };
const proof = () => ({ client_secret: 'secret', sid: '1', id_server: idServer, id_access_token: 'theirs' });
const refusal = ({ status, body }: Answer) => [status, body.errcode];
const result = (id_server_unbind_result: string) => ({ id_server_unbind_result });

describe('somebody who wants to be found', () => {
  it.each(['account/3pid/bind', 'account/3pid'])('asks their identity server through us by %s', async (path) => {
    const { token, userId } = await register(http);
    const body = path.endsWith('bind') ? proof() : { three_pid_creds: proof() };
    expect((await http.post(path, body, token)).body).toEqual({});
    expect(asked).toEqual([
      {
        path: '/_matrix/identity/v2/3pid/bind',
        authorization: 'Bearer theirs',
        body: { sid: '1', client_secret: 'secret', mxid: userId },
      },
    ]);
    // It is not a way into the account.
    expect((await http.get('account/3pid', token)).body).toEqual({ threepids: [] });
  });

  it.each([
    ['what it refuses', 404, { errcode: 'M_NO_VALID_SESSION', error: 'no' }, 404, 'M_NO_VALID_SESSION'],
    ['terms to agree to', 403, { errcode: 'M_TERMS_NOT_SIGNED', error: 'no' }, 403, 'M_TERMS_NOT_SIGNED'],
    [
      'a token of its own that is over',
      401,
      { errcode: 'M_UNKNOWN_TOKEN', error: 'no' },
      403,
      'M_THREEPID_AUTH_FAILED',
    ],
    ['a fault of its own', 500, {}, 502, 'M_UNKNOWN'],
    ['no identifier', 200, {}, 502, 'M_UNKNOWN'],
    ['what no database holds', 200, { ...ID, address: 'a\0b' }, 502, 'M_UNKNOWN'],
    ['an address without end', 200, { ...ID, address: 'x'.repeat(3_000) }, 502, 'M_UNKNOWN'],
    ['a redirect', 302, {}, 502, 'M_UNKNOWN'],
    ['more than it should', 200, { ...ID, x: 'x'.repeat(100_000) }, 502, 'M_UNKNOWN'],
  ])('is told when it answers with %s', async (_, status, body, expected, errcode) => {
    const { token } = await register(http);
    answer = { status, body };
    expect(refusal(await http.post('account/3pid/bind', proof(), token))).toEqual([expected, errcode]);
    expect(asked).toHaveLength(1);
  });

  it.each(['x/../y', 'user@host', '127.0.0.1:1/path', '', 'a b', '[::1'])(
    'cannot name %j as a server',
    async (name) => {
      const { token } = await register(http);
      const answered = await http.post('account/3pid/bind', { ...proof(), id_server: name }, token);
      expect(refusal(answered)).toEqual([400, 'M_SERVER_NOT_TRUSTED']);
    },
  );

  it('cannot break our connections by what they call a token', async () => {
    const { token } = await register(http);
    for (const id_access_token of ['a\nb', '\u202e', '', 'a b']) {
      const answered = await http.post('account/3pid/bind', { ...proof(), id_access_token }, token);
      expect(refusal(answered)).toEqual([400, 'M_BAD_JSON']);
    }
    expect((await http.post('account/3pid/bind', proof(), token)).status).toBe(200);
  });

  it('cannot make us ask what is not on the Internet, nor who is not trusted', async () => {
    const careful = await deployment.start();
    const { token } = await register(http);
    expect(refusal(await careful.http.post('account/3pid/bind', proof(), token))).toEqual([502, 'M_UNKNOWN']);
    const choosy = await deployment.start({ config: { identity_servers: { allowed: ['vector.im'] } } });
    expect(refusal(await choosy.http.post('account/3pid/bind', proof(), token))).toEqual([400, 'M_SERVER_NOT_TRUSTED']);
    expect(asked).toEqual([]);
    // Or they would have their try at what others have bound.
    await Promise.all([careful.stop(), choosy.stop()]);
  });
});

describe('somebody who does not want to be found any more', () => {
  const bound = async () => {
    const user = await register(http);
    await http.post('account/3pid/bind', proof(), user.token);
    asked = [];
    return user;
  };

  it.each(['unbind', 'delete'])('says so by %s, and the server knows by our signature who asks', async (path) => {
    const { token, userId } = await bound();
    const { body } = await http.post(`account/3pid/${path}`, { ...ID, address: 'ME@example.org' }, token);
    expect(body).toEqual(result('success'));
    const [request] = asked;
    expect(request?.body).toEqual({ mxid: userId, threepid: ID });
    const uri = '/_matrix/identity/v2/3pid/unbind';
    expect(request?.path).toBe(uri);
    const header = parseXMatrix(request?.authorization ?? '');
    expect(header).toMatchObject({ origin: 'one.test', destination: idServer });
    const signed = { method: 'POST', uri, origin: 'one.test', destination: idServer, content: request?.body };
    const key = (await signingKeys()).get('one.test')!;
    expect(isAuthorizedRequest(signed, header, key.publicKey)).toBe(true);
    // There is nothing left to undo.
    expect((await http.post(`account/3pid/${path}`, ID, token)).body).toEqual(result('no-support'));
  });

  it('is told when the server does not do it, and may try again', async () => {
    const { token } = await bound();
    answer = { status: 501, body: { errcode: 'M_UNRECOGNIZED', error: 'no' } };
    expect((await http.post('account/3pid/unbind', ID, token)).body).toEqual(result('no-support'));
    answer = { status: 200, body: {} };
    expect((await http.post('account/3pid/unbind', ID, token)).body).toEqual(result('success'));
  });

  it('is found nowhere once their account has ended', async () => {
    const user = await bound();
    const auth = passwordLogin(user.userId, user.password);
    expect((await http.post('account/deactivate', { auth }, user.token)).body).toEqual(result('success'));
    expect(asked.map(({ path }) => path)).toEqual(['/_matrix/identity/v2/3pid/unbind']);
  });

  it('is told so as well when it could not be done with the account', async () => {
    const user = await bound();
    answer = { status: 500, body: {} };
    const auth = passwordLogin(user.userId, user.password);
    expect((await http.post('account/deactivate', { auth }, user.token)).body).toEqual(result('no-support'));
  });

  it('is asked for as the server writes it, however that is', async () => {
    const written = { ...ID, address: 'Me@Example.ORG' };
    answer = { status: 200, body: written };
    const { token, userId } = await bound();
    expect((await http.post('account/3pid/unbind', ID, token)).body).toEqual(result('success'));
    expect(asked.map(({ body }) => body)).toEqual([{ mxid: userId, threepid: written }]);
  });

  it('is found no more once the server is back that was away when their account ended', async () => {
    const user = await bound();
    answer = { status: 500, body: {} };
    const auth = passwordLogin(user.userId, user.password);
    expect((await http.post('account/deactivate', { auth }, user.token)).body).toEqual(result('no-support'));
    answer = { status: 200, body: {} };
    asked = [];
    const text = 'UPDATE user_server.identity_bindings SET due_at = now() WHERE user_id = $1 AND due_at IS NOT NULL';
    await instance.db.query({ text, values: [user.userId] });
    const left = 'SELECT FROM user_server.identity_bindings WHERE user_id = $1';
    await eventually(async () => {
      expect((await instance.db.query({ text: left, values: [user.userId] })).rowCount).toBe(0);
    });
    expect(asked.map(({ body }) => body)).toEqual([{ mxid: user.userId, threepid: ID }]);
  });

  it('has it undone at the server that they name when they end their account', async () => {
    const user = await bound();
    const auth = passwordLogin(user.userId, user.password);
    const body = { auth, id_server: 'not.a server' };
    expect((await http.post('account/deactivate', body, user.token)).body).toEqual(result('no-support'));
    expect(asked).toEqual([]);
  });

  it('is let go although they ended their account while the server was binding them', async () => {
    const user = await register(http);
    const auth = passwordLogin(user.userId, user.password);
    whileAsked = async () => {
      whileAsked = undefined;
      expect((await http.post('account/deactivate', { auth }, user.token)).status).toBe(200);
    };
    await http.post('account/3pid/bind', proof(), user.token);
    await eventually(() => {
      expect(asked.map(({ path }) => path.split('/').at(-1))).toEqual(['bind', 'unbind']);
    });
  });
});
