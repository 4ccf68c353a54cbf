import { Deployment, type Instance } from './support/deployment.js';
import { type Answer, passwordLogin, register, type TestUser } from './support/http-client.js';

const GET_TOKEN = '/_matrix/client/v1/login/get_token';
const USER_INFO = '/_matrix/federation/v1/openid/userinfo';

let deployment: Deployment;
let one: Instance;
let two: Instance;
let user: TestUser;
beforeAll(async () => {
  deployment = await Deployment.create();
  [one, two] = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());
beforeEach(async () => {
  user = await register(one.http);
});

const refusal = ({ status, body }: Answer) => [status, body.errcode];
const authOf = ({ userId, password }: TestUser) => passwordLogin(userId, password);
const expire = () =>
  one.db.query({ text: `UPDATE user_server.short_tokens SET expires_at = now() - interval '1 second'` });

describe('a device that is logged in', () => {
  const getToken = async (by = user) =>
    (await one.http.post(GET_TOKEN, { auth: authOf(by) }, by.token)).body.login_token;
  const logIn = (token: unknown, more: object = {}) =>
    two.http.post('login', { type: 'm.login.token', token, ...more });

  it('logs in another one, after the password is given again', async () => {
    const { flows } = (await one.http.get('login')).body;
    expect(flows).toContainEqual({ type: 'm.login.token', get_login_token: true });
    expect((await one.http.post(GET_TOKEN, {}, user.token)).status).toBe(401);
    const wrong = await one.http.post(GET_TOKEN, { auth: passwordLogin(user.userId, 'wrong') }, user.token);
    expect(refusal(wrong)).toEqual([401, 'M_FORBIDDEN']);
    const { status, body } = await one.http.post(GET_TOKEN, { auth: authOf(user) }, user.token);
    expect([status, body.expires_in_ms]).toEqual([200, 120_000]);
    const loggedIn = await logIn(body.login_token, { device_id: 'TABLET', refresh_token: true });
    expect(loggedIn.body).toMatchObject({
      user_id: user.userId,
      device_id: 'TABLET',
      refresh_token: expect.any(String),
    });
    expect((await one.http.get('account/whoami', loggedIn.body.access_token)).status).toBe(200);
  });

  it('logs in just one, also when several try at once', async () => {
    const token = await getToken();
    const answers = await Promise.all(Array.from({ length: 6 }, () => logIn(token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers) if (answer.status !== 200) expect(refusal(answer)).toEqual([403, 'M_FORBIDDEN']);
  });

  it('logs in nobody too late, after a new password, or after the end of the account', async () => {
    const late = await getToken();
    await expire();
    expect(refusal(await logIn(late))).toEqual([403, 'M_FORBIDDEN']);
    const outdated = await getToken();
    await one.http.post('account/password', { new_password: 'a new password', auth: authOf(user) }, user.token);
    expect(refusal(await logIn(outdated))).toEqual([403, 'M_FORBIDDEN']);
    const other = await register(one.http);
    const token = await getToken(other);
    await one.http.post('account/deactivate', { auth: authOf(other) }, other.token);
    expect(refusal(await logIn(token))).toEqual([403, 'M_FORBIDDEN']);
  });

  it.each([
    ['nothing', undefined, 400, 'M_BAD_JSON'],
    ['a number', 5, 400, 'M_BAD_JSON'],
    ['what was never given', 'glt_nothing', 403, 'M_FORBIDDEN'],
  ])('is not replaced by %s', async (_, token, status, errcode) => {
    expect(refusal(await logIn(token))).toEqual([status, errcode]);
  });

  it('logs in none where that is switched off', async () => {
    const token = await getToken();
    const off = await deployment.start({ config: { sessions: { login_tokens: false } } });
    expect((await off.http.get('login')).body.flows).toEqual([{ type: 'm.login.password' }]);
    expect(refusal(await off.http.post(GET_TOKEN, { auth: authOf(user) }, user.token))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await off.http.post('login', { type: 'm.login.token', token }))).toEqual([400, 'M_UNKNOWN']);
  });
});

describe('an OpenID token', () => {
  const path = (userId: string) => `user/${encodeURIComponent(userId)}/openid/request_token`;

  it('tells other services who somebody is, for an hour, and opens nothing else', async () => {
    const { status, body } = await one.http.post(path(user.userId), {}, user.token);
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ access_token: expect.any(String), token_type: 'Bearer', matrix_server_name: 'one.test', expires_in: 3_600 },
    });
    const ask = () => two.http.get(`${USER_INFO}?access_token=${body.access_token}`);
    expect((await ask()).body).toEqual({ sub: user.userId });
    expect((await ask()).body).toEqual({ sub: user.userId });
    expect(refusal(await one.http.get('account/whoami', body.access_token))).toEqual([401, 'M_UNKNOWN_TOKEN']);
    expect(refusal(await two.http.post('login', { type: 'm.login.token', token: body.access_token }))[0]).toBe(403);
    await expire();
    expect(refusal(await ask())).toEqual([401, 'M_UNKNOWN_TOKEN']);
  });

  it('is nobody else’s, and none is known without one', async () => {
    const other = await register(one.http);
    expect(refusal(await one.http.post(path(other.userId), {}, user.token))).toEqual([403, 'M_FORBIDDEN']);
    for (const query of ['', '?access_token=', `?access_token=${user.token}`]) {
      expect(refusal(await one.http.get(`${USER_INFO}${query}`))).toEqual([401, 'M_UNKNOWN_TOKEN']);
    }
  });
});
