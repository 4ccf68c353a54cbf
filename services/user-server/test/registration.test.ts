import { createHmac } from 'node:crypto';
import { jest } from '@jest/globals';
import { Deployment, type Instance, SHARED_SECRET } from './support/deployment.js';
import { freshName, passwordLogin, register } from './support/http-client.js';

const DUMMY = { type: 'm.login.dummy' };
const PASSWORD = 'sUp3rs3kr1t';

let deployment: Deployment;
let instance: Instance;

beforeAll(async () => {
  deployment = await Deployment.create();
  instance = await deployment.start();
});
afterAll(() => deployment.close());

const post = (body: unknown, host?: string) =>
  instance.http.call('POST', 'register', { body, ...(host !== undefined && { host }) });

describe('POST /register', () => {
  it('answers an empty request with the flows', async () => {
    const { status, body } = await post({});
    expect(status).toBe(401);
    expect(body).toEqual({ flows: [{ stages: ['m.login.dummy'] }], params: {}, session: expect.any(String) });
  });

  it('makes an account in the session that an empty request began', async () => {
    const { body: challenge } = await post({});
    const auth = { ...DUMMY, session: challenge.session };
    const { status, body } = await post({ auth, username: freshName(), password: PASSWORD });
    expect(status).toBe(200);
    expect(body).toEqual({
      user_id: expect.stringMatching(/^@user-\d+:one\.test$/),
      home_server: 'one.test',
      access_token: expect.stringMatching(/^gat_[\w-]{43}$/),
      device_id: expect.stringMatching(/^[A-Z]{10}$/),
    });
    const whoami = await instance.http.get('account/whoami', body.access_token);
    expect(whoami.body).toEqual({ user_id: body.user_id, device_id: body.device_id, is_guest: false });
  });

  it('lets the request that authenticates leave out what was said before', async () => {
    const username = freshName();
    const first = { username, password: PASSWORD, device_id: 'PHONE', inhibit_login: false };
    const { body: challenge } = await post(first);
    const { status, body } = await post({ auth: { ...DUMMY, session: challenge.session } });
    expect([status, body.user_id, body.device_id]).toEqual([200, `@${username}:one.test`, 'PHONE']);
    expect((await instance.http.post('login', passwordLogin(username, PASSWORD))).status).toBe(200);
  });

  it('gives the same account, device and token again to who has not got the answer', async () => {
    const request = { username: freshName(), password: PASSWORD, refresh_token: true };
    const { session } = (await post(request)).body;
    const first = await post({ ...request, auth: { ...DUMMY, session } });
    expect(first.status).toBe(200);
    const other = await deployment.start();
    const again = await other.http.post('register', { ...request, auth: { ...DUMMY, session } });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await post({ auth: { session } })).toMatchObject({ status: 200, body: first.body });
    const { body } = await instance.http.get('devices', first.body.access_token);
    expect(body.devices).toHaveLength(1);
    const taken = await post({ ...request, auth: DUMMY });
    expect([taken.status, taken.body.errcode]).toEqual([400, 'M_USER_IN_USE']);
  });

  it('does not let a session for one name make another', async () => {
    const { session } = (await post({ username: freshName(), password: PASSWORD })).body;
    const auth = { ...DUMMY, session };
    const { status, body } = await post({ username: freshName(), password: PASSWORD, auth });
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('takes name, device and password of older and sloppier clients', async () => {
    const name = freshName('Sloppy');
    const { status, body } = await post({
      ...{ auth: DUMMY, username: name, password: 'übers3kr1t', device_id: 'xyzzy', refresh_token: null },
      ...{ initial_device_display_name: null, inhibit_login: null, unknown: [] },
    });
    expect([status, body.user_id, body.device_id]).toEqual([200, `@${name.toLowerCase()}:one.test`, 'xyzzy']);
  });

  it('gives a refresh token and an end to the access token when asked', async () => {
    const { body } = await post({ auth: DUMMY, username: freshName(), password: PASSWORD, refresh_token: true });
    expect(body.refresh_token).toMatch(/^grt_[\w-]+_[\w-]{43}$/);
    expect(body.expires_in_ms).toBe(300_000);
  });

  it('does not log in when told not to', async () => {
    const name = freshName();
    const { body } = await post({ auth: DUMMY, username: name, password: PASSWORD, inhibit_login: true });
    expect(body).toEqual({ user_id: `@${name}:one.test`, home_server: 'one.test' });
    const { body: devices } = await instance.http.post('login', passwordLogin(name, PASSWORD));
    const list = await instance.http.get('devices', devices.access_token);
    expect(list.body.devices).toHaveLength(1);
  });

  it('chooses a name when there is none', async () => {
    const { body } = await post({ auth: DUMMY, password: PASSWORD });
    expect(body.user_id).toMatch(/^@[a-z]{12}:one\.test$/);
  });

  it.each(['!', '"', ':', '?', '\\', '@', '[', ']', '{', '|', '}', '£', 'é', '\n', "'", '\u212a', ' '])(
    'refuses names with %j before any authentication',
    async (character) => {
      const { status, body } = await post({ username: `user-${character}-x`, password: PASSWORD });
      expect([status, body.errcode]).toEqual([400, 'M_INVALID_USERNAME']);
    },
  );

  it.each(['', '_bridged', 'x'.repeat(250)])('refuses the name %j', async (username) => {
    const { status, body } = await post({ username, password: PASSWORD });
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_USERNAME']);
  });

  it.each(['q', '3', '.', '_', '=', '-', '/', '+'])('takes names that end in %j', async (character) => {
    const { status, body } = await post({ auth: DUMMY, username: `end${character}`, password: PASSWORD });
    expect([status, body.user_id]).toEqual([200, `@end${character}:one.test`]);
  });

  it('refuses a name that is taken, in whatever case', async () => {
    const { userId } = await register(instance.http, freshName('taken'));
    const username = userId.slice(1).split(':')[0]?.toUpperCase();
    const { status, body } = await post({ username, password: PASSWORD });
    expect([status, body.errcode]).toEqual([400, 'M_USER_IN_USE']);
  });

  it.each([
    ['a weak password', { username: 'weak', password: 'short' }, 400, 'M_WEAK_PASSWORD'],
    ['a giant password', { username: 'giant', password: 'x'.repeat(1_000) }, 400, 'M_INVALID_PARAM'],
    ['no password', { auth: DUMMY, username: 'none' }, 400, 'M_MISSING_PARAM'],
    ['a name that is no text', { username: 3 }, 400, 'M_BAD_JSON'],
    ['a body that is no object', [], 400, 'M_BAD_JSON'],
    ['NUL in a device name', { auth: DUMMY, password: PASSWORD, initial_device_display_name: '\0' }, 400, 'M_BAD_JSON'],
    ['a device id with line breaks', { auth: DUMMY, password: PASSWORD, device_id: 'a\nb' }, 400, 'M_BAD_JSON'],
    ['auth that is no object', { auth: 'dummy' }, 400, 'M_BAD_JSON'],
  ])('refuses %s', async (_, request, status, errcode) => {
    const answer = await post(request);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it('makes the account on the server whose host was asked', async () => {
    const request = () => ({ auth: DUMMY, username: freshName('host'), password: PASSWORD });
    const hosts = ['two.test', 'TWO.test:8448', 'matrix.two.test', 'one.test', 'unknown.test', '127.0.0.1'];
    const answers = await Promise.all(hosts.map((host) => post(request(), host)));
    expect(answers.map(({ body }) => body.home_server)).toEqual([
      ...['two.test', 'two.test', 'two.test', 'one.test', 'one.test', 'one.test'],
    ]);
  });

  it('lets the same name exist on both servers', async () => {
    const request = { auth: DUMMY, username: 'both', password: PASSWORD };
    const answers = [await post(request, 'one.test'), await post(request, 'two.test')];
    expect(answers.map(({ body }) => body.user_id)).toEqual(['@both:one.test', '@both:two.test']);
  });

  it('gives a new user their name as display name', async () => {
    const { userId } = await register(instance.http, 'named');
    expect((await instance.http.get(`profile/${userId}`)).body).toEqual({ displayname: 'named' });
  });
});

describe('guests', () => {
  const registerGuest = () =>
    instance.http.post('register?kind=guest', { username: 'ignored!', device_id: 'IGNORED', refresh_token: true });

  it('get a name, a device and nothing that needs an account', async () => {
    const { status, body } = await registerGuest();
    expect([status, body.refresh_token]).toEqual([200, undefined]);
    expect(body.device_id).not.toBe('IGNORED');
    const whoami = await instance.http.get('account/whoami', body.access_token);
    expect(whoami.body.is_guest).toBe(true);
    const refused = await instance.http.get('account/3pid', body.access_token);
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN']);
  });

  it('become users under the same name', async () => {
    const { body: guest } = await registerGuest();
    const username = guest.user_id.slice(1, guest.user_id.indexOf(':'));
    const request = { auth: DUMMY, username, password: PASSWORD, guest_access_token: guest.access_token };
    const { status, body } = await post(request);
    expect([status, body.user_id]).toEqual([200, guest.user_id]);
    expect((await instance.http.get('account/whoami', body.access_token)).body.is_guest).toBe(false);
    expect((await instance.http.get('account/whoami', guest.access_token)).status).toBe(401);
    expect((await post(request)).status).toBe(401);
  });

  it('become users once in one session, whose answer can be asked for again', async () => {
    const { body: guest } = await registerGuest();
    const username = guest.user_id.slice(1, guest.user_id.indexOf(':'));
    const request = { username, password: PASSWORD, guest_access_token: guest.access_token };
    const { session } = (await post(request)).body;
    const first = await post({ ...request, auth: { ...DUMMY, session } });
    expect(first.status).toBe(200);
    expect(await post({ ...request, auth: { ...DUMMY, session } })).toMatchObject({ status: 200, body: first.body });
  });

  it('cannot take the name of another guest', async () => {
    const [{ body: one }, { body: other }] = [await registerGuest(), await registerGuest()];
    const username = one.user_id.slice(1, one.user_id.indexOf(':'));
    const { status, body } = await post({ username, guest_access_token: other.access_token });
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('are no kind of their own besides users', async () => {
    const { status, body } = await instance.http.post('register?kind=emperor', {});
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });
});

describe('a deployment that nobody may register on', () => {
  it('says so to users and guests', async () => {
    const closed = await deployment.start({ config: { registration: {} } });
    for (const path of ['register', 'register?kind=guest']) {
      const { status, body } = await closed.http.post(path, { username: 'someone' });
      expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    }
    expect((await closed.http.get('register/available?username=someone')).status).toBe(403);
    const nonce = await closed.http.get('/_synapse/admin/v1/register');
    expect([nonce.status, nonce.body.errcode]).toEqual([400, 'M_UNKNOWN']);
  });
});

describe('GET /register/available', () => {
  it.each([
    ['free-name', 200, undefined],
    ['comma,name', 400, 'M_INVALID_USERNAME'],
    ['occupied', 400, 'M_USER_IN_USE'],
  ])('knows %s', async (username, status, errcode) => {
    if (errcode === 'M_USER_IN_USE') await register(instance.http, username);
    const answer = await instance.http.get(`register/available?username=${username}`);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
    if (status === 200) expect(answer.body).toEqual({ available: true });
  });

  it('needs a name', async () => {
    const { status, body } = await instance.http.get('register/available');
    expect([status, body.errcode]).toEqual([400, 'M_MISSING_PARAM']);
  });
});

describe('/_synapse/admin/v1/register', () => {
  const path = '/_synapse/admin/v1/register';

  interface Fields {
    readonly username: string;
    readonly admin?: boolean;
    readonly user_type?: string;
  }

  async function signed(fields: Fields) {
    return signedBy((await instance.http.get(path)).body.nonce, fields);
  }

  function signedBy(nonce: string, fields: Fields) {
    const { username, admin, user_type } = fields;
    const parts = [nonce, username, PASSWORD, admin ? 'admin' : 'notadmin', ...(user_type ? [user_type] : [])];
    const mac = createHmac('sha1', SHARED_SECRET).update(parts.join('\0')).digest('hex');
    return { nonce, password: PASSWORD, mac, ...fields };
  }

  it('makes an administrator', async () => {
    const { status, body } = await instance.http.post(path, await signed({ username: 'Admin-1', admin: true }));
    expect([status, body.user_id]).toEqual([200, '@admin-1:one.test']);
    const { createHash } = await import('node:crypto');
    const tokenHash = createHash('sha256').update(body.access_token).digest();
    expect(await instance.server.tokens.whoIs({ tokenHash })).toMatchObject({ admin: true, guest: false });
  });

  it('makes ordinary users and bots', async () => {
    const user = await instance.http.post(path, await signed({ username: 'plain-1' }));
    const bot = await instance.http.post(path, await signed({ username: 'bot-1', user_type: 'bot' }));
    expect([user.status, bot.status]).toEqual([200, 200]);
    const tokenHash = (await import('node:crypto')).createHash('sha256').update(user.body.access_token).digest();
    expect(await instance.server.tokens.whoIs({ tokenHash })).toMatchObject({ admin: false });
  });

  it('uses a nonce once', async () => {
    const request = await signed({ username: 'once-1' });
    expect((await instance.http.post(path, request)).status).toBe(200);
    const again = await instance.http.post(path, signedBy(request.nonce, { username: 'once-2' }));
    expect([again.status, again.body]).toEqual([400, { errcode: 'M_UNKNOWN', error: 'Unrecognised nonce' }]);
  });

  it('uses a nonce once, on however many replicas it comes at once', async () => {
    const other = await deployment.start();
    for (let round = 0; round < 5; round++) {
      const request = await signed({ username: `racing-${round}` });
      const answers = await Promise.all([instance, other, instance, other].map(({ http }) => http.post(path, request)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400]);
    }
  });

  it('refuses a nonce that is too old', async () => {
    const request = await signed({ username: 'late-1' });
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_001);
    const late = await instance.http.post(path, request);
    clock.mockRestore();
    expect(late.body.error).toBe('Unrecognised nonce');
  });

  it.each([
    ['that it has not made', () => 'ab'.repeat(54)],
    ['that is changed', (nonce: string) => nonce.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))],
    ['that lives longer than it was made for', (nonce: string) => `${nonce.slice(0, 32)}ff${nonce.slice(34)}`],
    ['that is cut', (nonce: string) => nonce.slice(0, -2)],
    ['in capitals', (nonce: string) => nonce.toUpperCase()],
    ['that is no number', () => 'nonce'],
    ['that is empty', () => ''],
  ])('refuses a nonce %s', async (_, change) => {
    const { body } = await instance.http.get(path);
    const request = signedBy(change(body.nonce), { username: 'forger' });
    const { status, body: refusal } = await instance.http.post(path, request);
    expect([status, refusal.error]).toEqual([400, 'Unrecognised nonce']);
  });

  it('keeps nothing of what somebody asks who does not know the secret', async () => {
    const count = async () =>
      (await instance.db.query({ text: 'SELECT 1 FROM user_server.registration_nonces' })).rows.length;
    const before = await count();
    for (let i = 0; i < 20; i++) {
      const { body } = await instance.http.get(path);
      const request = { nonce: body.nonce, username: 'guess', password: PASSWORD, mac: '0'.repeat(40) };
      expect((await instance.http.post(path, request)).status).toBe(403);
    }
    expect(await count()).toBe(before);
  });

  it('refuses a wrong MAC, and one that was made for somebody less', async () => {
    const request = await signed({ username: 'mallory' });
    const promoted = await instance.http.post(path, { ...request, admin: true });
    expect([promoted.status, promoted.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    const nonsense = await instance.http.post(path, { ...(await signed({ username: 'mallory' })), mac: 'zz' });
    expect([nonsense.status, nonsense.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('does not let parts flow into each other', async () => {
    const { status } = await instance.http.post(path, await signed({ username: 'a\0b' }));
    expect(status).toBe(400);
  });

  it('checks the name', async () => {
    const { status, body } = await instance.http.post(path, await signed({ username: 'us,er' }));
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_USERNAME']);
  });
});
