import { Deployment, type Instance, LISTENING } from './support/deployment.js';
import { FewUses } from './support/few-uses.js';
import { freshName, logIn, passwordLogin, register, type TestUser } from './support/http-client.js';

let deployment: Deployment;
let instance: Instance;

beforeAll(async () => {
  deployment = await Deployment.create();
  instance = await deployment.start();
});
afterAll(() => deployment.close());

const login = (body: unknown, host?: string) =>
  instance.http.call('POST', 'login', { body, ...(host !== undefined && { host }) });

describe('GET /login', () => {
  it('offers the password', async () => {
    const { status, body } = await instance.http.get('login');
    expect([status, body.flows[0]]).toEqual([200, { type: 'm.login.password' }]);
  });

  it('is served to clients of r0', async () => {
    expect((await instance.http.get('/_matrix/client/r0/login')).status).toBe(200);
  });
});

describe('POST /login', () => {
  it('logs in with a user id, a localpart, in capitals, and as older clients do', async () => {
    const { userId, password } = await register(instance.http);
    const localpart = userId.slice(1, userId.indexOf(':'));
    const requests = [
      ...[userId, localpart, localpart.toUpperCase(), `@${localpart.toUpperCase()}:one.test`].map((name) =>
        passwordLogin(name, password),
      ),
      { type: 'm.login.password', user: userId, password },
      { type: 'm.login.password', user: localpart, password },
    ];
    for (const request of requests) {
      const { status, body } = await login(request);
      expect([status, body.user_id]).toEqual([200, userId]);
      expect((await instance.http.get('account/whoami', body.access_token)).body.user_id).toBe(userId);
    }
  });

  it('looks for a localpart on the server that was asked, and for a user id anywhere', async () => {
    const { userId, password } = await register(instance.http);
    const localpart = userId.slice(1, userId.indexOf(':'));
    expect((await login(passwordLogin(localpart, password), 'two.test')).status).toBe(403);
    expect((await login(passwordLogin(userId, password), 'two.test')).body.user_id).toBe(userId);
  });

  it('says where the homeserver is when the configuration does', async () => {
    const body = { auth: { type: 'm.login.dummy' }, username: freshName(), password: 'sUp3rs3kr1t' };
    const { body: user } = await instance.http.call('POST', 'register', { host: 'two.test', body });
    const { body: session } = await login(passwordLogin(user.user_id, 'sUp3rs3kr1t'));
    expect(session.well_known).toEqual({ 'm.homeserver': { base_url: 'https://matrix.two.test' } });
  });

  it('takes the device that the client names, and ends what that device had before', async () => {
    const user = await register(instance.http);
    const first = await logIn(instance.http, user, { device_id: 'PHONE', initial_device_display_name: 'Phone' });
    const second = await logIn(instance.http, user, { device_id: 'PHONE', initial_device_display_name: 'Other' });
    expect([first.deviceId, second.deviceId]).toEqual(['PHONE', 'PHONE']);
    const old = await instance.http.get('account/whoami', first.token);
    expect([old.status, old.body.errcode, old.body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', false]);
    const { body } = await instance.http.get('devices/PHONE', second.token);
    expect(body).toMatchObject({ device_id: 'PHONE', display_name: 'Phone' });
  });

  it('lets an empty device id ask for a new one', async () => {
    const user = await register(instance.http);
    expect((await logIn(instance.http, user, { device_id: '' })).deviceId).toMatch(/^[A-Z]{10}$/);
  });

  it.each([
    ['somebody unknown', { identifier: { type: 'm.id.user', user: 'nobody-at-all' } }],
    ['a user of another server', { identifier: { type: 'm.id.user', user: '@alice:elsewhere.test' } }],
    ['an empty name', { identifier: { type: 'm.id.user', user: '' } }],
    ['a user id without server', { user: '@alice' }],
    ['an e-mail address', { identifier: { type: 'm.id.thirdparty', medium: 'email', address: 'a@b.c' } }],
    ['an e-mail address without a type', { identifier: { medium: 'email', address: 'a@b.c' } }],
    ['a phone number', { identifier: { type: 'm.id.phone', country: 'GB', phone: '1' } }],
  ])('refuses %s', async (_, who) => {
    const { status, body } = await login({ type: 'm.login.password', password: 'secret', ...who });
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('refuses a wrong password in the same words as an unknown user', async () => {
    const { userId } = await register(instance.http);
    const wrong = await login(passwordLogin(userId, 'wrong password'));
    const unknown = await login(passwordLogin('@unknown:one.test', 'wrong password'));
    expect([wrong.status, wrong.body]).toEqual([403, unknown.body]);
  });

  it.each([
    ['another type', { type: 'm.login.jwt', token: 't' }, 400, 'M_UNKNOWN'],
    ['no type', { password: 'p' }, 400, 'M_BAD_JSON'],
    ['no password', { type: 'm.login.password', user: 'u' }, 400, 'M_BAD_JSON'],
    ['nobody', { type: 'm.login.password', password: 'p' }, 400, 'M_BAD_JSON'],
    ['NUL in a name', { type: 'm.login.password', user: 'a\0b', password: 'p' }, 400, 'M_BAD_JSON'],
    ['a number as name', { type: 'm.login.password', user: 1, password: 'p' }, 400, 'M_BAD_JSON'],
  ])('refuses %s', async (_, request, status, errcode) => {
    const answer = await login(request);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it('refuses what is not JSON', async () => {
    const { status, body } = await instance.http.call('POST', 'login', { raw: '{"type":' });
    expect([status, body.errcode]).toEqual([400, 'M_NOT_JSON']);
  });

  it('refuses guests, who have no password', async () => {
    const { body: guest } = await instance.http.post('register?kind=guest', {});
    for (const password of ['', 'guess']) {
      expect((await login(passwordLogin(guest.user_id, password))).status).toBe(403);
    }
  });
});

describe('rate limits', () => {
  /** A deployment behind a proxy, which says where requests come from. */
  async function limited(most: Readonly<Record<string, number>>) {
    const rateLimiter = new FewUses(most);
    const config = { http: { ...LISTENING, trusted_proxies: ['127.0.0.1'] } };
    const { http } = await deployment.start({ rateLimiter, config });
    const attempt = async (user: string, password: string, from: string) =>
      http.call('POST', 'login', { body: passwordLogin(user, password), headers: { 'x-forwarded-for': from } });
    const statusOf = async (...request: Parameters<typeof attempt>) => (await attempt(...request)).status;
    return { rateLimiter, http, attempt, statusOf };
  }

  it('count log-ins and registrations by address', async () => {
    const { http, attempt } = await limited({ login: 1, registration: 0 });
    const { userId, password } = await register(instance.http);
    expect((await attempt(userId, password, '192.0.2.7')).status).toBe(200);
    const refused = await attempt(userId, password, '192.0.2.7');
    expect([refused.status, refused.body.errcode, refused.headers['retry-after']]).toEqual([
      429,
      'M_LIMIT_EXCEEDED',
      '2',
    ]);
    expect((await attempt(userId, password, '192.0.2.8')).status).toBe(200);
    const auth = { type: 'm.login.dummy' };
    const registration = await http.post('register', { auth, username: freshName(), password });
    expect([registration.status, registration.body.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED']);
  });

  it('count log-ins that fail, not those that succeed', async () => {
    const { statusOf } = await limited({ login_failed: 3 });
    const { userId, password } = await register(instance.http);
    const attempt = (tried: string) => statusOf(userId, tried, '192.0.2.7');
    for (let i = 0; i < 5; i++) expect(await attempt(password)).toBe(200);
    expect([await attempt('x'), await attempt('y'), await attempt(password)]).toEqual([403, 403, 200]);
    expect([await attempt('z'), await attempt('z'), await attempt(password)]).toEqual([403, 429, 429]);
  });

  it('let nobody lock another out who is elsewhere', async () => {
    const { statusOf } = await limited({ login_failed: 3 });
    const { userId, password } = await register(instance.http);
    for (let i = 0; i < 20; i++) await statusOf(userId, `guess ${i}`, `192.0.2.${i}`);
    for (let i = 0; i < 20; i++) await statusOf(userId, `guess ${i}`, `2001:db8::${i}:1`);
    expect(await statusOf(userId, password, '192.0.2.200')).toBe(429);
    expect(await statusOf(userId, password, '2001:db8::ffff:1')).toBe(429);
    expect(await statusOf(userId, password, '192.0.3.1')).toBe(200);
    expect(await statusOf(userId, password, '2001:db8:0:1::1')).toBe(200);
  });

  it('count an account as one, however its name is written', async () => {
    const { statusOf } = await limited({ login_failed: 1 });
    const { userId, password } = await register(instance.http);
    const localpart = userId.slice(1, userId.indexOf(':'));
    expect(await statusOf(localpart.toUpperCase(), 'x', '192.0.2.7')).toBe(403);
    expect(await statusOf(userId, password, '192.0.2.7')).toBe(429);
  });

  it('let no network try many accounts', async () => {
    const { statusOf, rateLimiter } = await limited({ login_failed_per_network: 5, login_failed: 3 });
    const users = await Promise.all(Array.from({ length: 4 }, () => register(instance.http)));
    const results: number[] = [];
    for (const { userId } of users) results.push(await statusOf(userId, 'x', '192.0.2.7'));
    results.push(
      await statusOf('@nobody:one.test', 'x', '192.0.2.8'),
      await statusOf('not even a name:', 'x', '192.0.2.9'),
    );
    expect(results).toEqual([403, 403, 403, 403, 403, 429]);
    const [{ userId, password }] = users as [TestUser];
    expect(await statusOf(userId, password, '192.0.2.7')).toBe(429);
    expect(await statusOf(userId, password, '198.51.100.7')).toBe(200);
    // What was refused for all did not count against one.
    expect(rateLimiter.used.get(`login_failed ${userId} 192.0.2.0/24`)).toBe(1);
  });

  it('count wrong passwords of a device that is logged in by themselves', async () => {
    const { http, statusOf } = await limited({ login_failed: 2, password_failed: 2 });
    const user = await register(instance.http);
    const other = await logIn(instance.http, user);
    const change = async (token: string, password: string) => {
      const auth = passwordLogin(user.userId, password);
      return (await http.post('account/password', { new_password: 'a new one', auth }, token)).status;
    };
    for (let i = 0; i < 5; i++) await statusOf(user.userId, 'x', '127.0.0.1');
    expect([await change(user.token, 'x'), await change(user.token, 'y')]).toEqual([401, 401]);
    expect(await change(user.token, user.password)).toBe(429);
    expect(await statusOf(user.userId, user.password, '198.51.100.7')).toBe(200);
    expect(await change(other.token, user.password)).toBe(200);
  });
});

describe('logging out', () => {
  it('ends the device of the token', async () => {
    const user = await register(instance.http);
    const other = await logIn(instance.http, user);
    expect(await instance.http.post('logout', {}, other.token)).toMatchObject({ status: 200, body: {} });
    const gone = await instance.http.get('account/whoami', other.token);
    expect([gone.status, gone.body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN']);
    const { body } = await instance.http.get('devices', user.token);
    expect(body.devices.map((device: { device_id: string }) => device.device_id)).toEqual([user.deviceId]);
  });

  it('ends all devices', async () => {
    const user = await register(instance.http);
    const other = await logIn(instance.http, user);
    const elsewhere = await register(instance.http);
    expect((await instance.http.call('POST', 'logout/all', { token: other.token })).status).toBe(200);
    const answers = await Promise.all(
      [user, other, elsewhere].map(({ token }) => instance.http.get('account/whoami', token)),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 200]);
  });

  it('needs a token that is one', async () => {
    const missing = await instance.http.call('POST', 'logout');
    const unknown = await instance.http.call('POST', 'logout', { token: 'invalid' });
    expect([missing.status, missing.body.errcode]).toEqual([401, 'M_MISSING_TOKEN']);
    expect([unknown.status, unknown.body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN']);
  });
});
