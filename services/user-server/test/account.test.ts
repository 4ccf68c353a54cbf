import { eventually } from '@ganglion/testing';
import { Deployment, type Instance } from './support/deployment.js';
import { logIn, passwordLogin, register, type TestUser } from './support/http-client.js';
import { RecordingRooms } from './support/rooms.js';

const NEW_PASSWORD = 'my_new_password';

let deployment: Deployment;
let instance: Instance;
const rooms = new RecordingRooms();

beforeAll(async () => {
  deployment = await Deployment.create();
  instance = await deployment.start({ rooms });
});
afterAll(() => deployment.close());

const authOf = ({ userId, password }: TestUser) => passwordLogin(userId, password);
const statusOf = async (token: string) => (await instance.http.get('account/whoami', token)).status;
const canLogIn = async ({ userId }: TestUser, password: string) =>
  (await instance.http.post('login', passwordLogin(userId, password))).status === 200;

describe('POST /account/password', () => {
  const change = (user: TestUser, body: object) => instance.http.post('account/password', body, user.token);

  it('asks for the password', async () => {
    const user = await register(instance.http);
    const { status, body } = await change(user, { new_password: NEW_PASSWORD });
    expect([status, body.flows, body.errcode]).toEqual([401, [{ stages: ['m.login.password'] }], undefined]);
  });

  it('sets the new password and logs out the other devices', async () => {
    const user = await register(instance.http);
    const other = await logIn(instance.http, user);
    const answer = await change(user, { new_password: NEW_PASSWORD, auth: authOf(user) });
    expect([answer.status, answer.body]).toEqual([200, {}]);
    expect([await statusOf(user.token), await statusOf(other.token)]).toEqual([200, 401]);
    expect([await canLogIn(user, user.password), await canLogIn(user, NEW_PASSWORD)]).toEqual([false, true]);
  });

  it('leaves the other devices alone when told so', async () => {
    const user = await register(instance.http);
    const other = await logIn(instance.http, user);
    await change(user, { new_password: NEW_PASSWORD, logout_devices: false, auth: authOf(user) });
    expect([await statusOf(user.token), await statusOf(other.token)]).toEqual([200, 200]);
  });

  it('can be done in the session that the first request began', async () => {
    const user = await register(instance.http);
    const body = { new_password: NEW_PASSWORD };
    const { session } = (await change(user, body)).body;
    const wrong = await change(user, { ...body, auth: { ...passwordLogin(user.userId, 'wrong'), session } });
    expect([wrong.status, wrong.body.errcode, wrong.body.session]).toEqual([401, 'M_FORBIDDEN', session]);
    expect((await change(user, { ...body, auth: { ...authOf(user), session } })).status).toBe(200);
  });

  it('does not let a session for one password set another', async () => {
    const user = await register(instance.http);
    const { session } = (await change(user, { new_password: NEW_PASSWORD })).body;
    const other = await change(user, { new_password: 'another password', auth: { ...authOf(user), session } });
    expect([other.status, other.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it.each([
    ['a weak password', { new_password: 'short' }, 400, 'M_WEAK_PASSWORD'],
    ['a password that is no text', { new_password: 5 }, 400, 'M_BAD_JSON'],
    ['auth without password', { new_password: NEW_PASSWORD, auth: { type: 'm.login.password' } }, 400, 'M_BAD_JSON'],
    [
      'auth for nobody',
      { new_password: NEW_PASSWORD, auth: { type: 'm.login.password', password: 'p' } },
      400,
      'M_BAD_JSON',
    ],
    ['dummy auth', { new_password: NEW_PASSWORD, auth: { type: 'm.login.dummy' } }, 401, 'M_FORBIDDEN'],
  ])('refuses %s', async (_, body, status, errcode) => {
    const answer = await change(await register(instance.http), body);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it('says of a failed stage which are completed', async () => {
    const user = await register(instance.http);
    const { body } = await change(user, { new_password: NEW_PASSWORD, auth: passwordLogin(user.userId, 'wrong') });
    expect(body).toEqual({
      ...{ flows: [{ stages: ['m.login.password'] }], params: {}, completed: [], session: expect.any(String) },
      ...{ errcode: 'M_FORBIDDEN', error: expect.any(String) },
    });
  });

  it('asks for the password who says nothing yet, and then takes what is added', async () => {
    const user = await register(instance.http);
    const first = await change(user, {});
    expect(first.status).toBe(401);
    const auth = { ...authOf(user), session: first.body.session };
    const missing = await change(user, { auth });
    expect([missing.status, missing.body.errcode]).toEqual([400, 'M_MISSING_PARAM']);
    expect((await change(user, { new_password: NEW_PASSWORD, auth })).status).toBe(200);
    expect(await canLogIn(user, NEW_PASSWORD)).toBe(true);
  });

  it('lets the request that authenticates leave out what was said before', async () => {
    const user = await register(instance.http);
    const other = await logIn(instance.http, user);
    const { session } = (await change(user, { new_password: NEW_PASSWORD, logout_devices: false })).body;
    expect((await change(user, { auth: { ...authOf(user), session } })).status).toBe(200);
    expect(await canLogIn(user, NEW_PASSWORD)).toBe(true);
    expect(await statusOf(other.token)).toBe(200);
  });

  it('answers the same again to who has not got the answer', async () => {
    const user = await register(instance.http);
    const { session } = (await change(user, { new_password: NEW_PASSWORD })).body;
    const request = { new_password: NEW_PASSWORD, auth: { ...authOf(user), session } };
    for (let time = 0; time < 3; time++) {
      expect(await change(user, request)).toMatchObject({ status: 200, body: {} });
    }
    const other = await change(user, { ...request, new_password: 'another password' });
    expect([other.status, other.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    expect(await canLogIn(user, NEW_PASSWORD)).toBe(true);
  });

  it('needs an access token', async () => {
    const { status, body } = await instance.http.post('account/password', { new_password: NEW_PASSWORD });
    expect([status, body.errcode]).toEqual([401, 'M_MISSING_TOKEN']);
  });
});

describe('POST /account/deactivate', () => {
  const deactivate = (user: TestUser, body: object) => instance.http.post('account/deactivate', body, user.token);

  it('ends the account, on every path', async () => {
    const user = await register(instance.http);
    const login = passwordLogin(user.userId, user.password, { refresh_token: true });
    const { body: session } = await instance.http.post('login', login);
    expect((await deactivate(user, {})).status).toBe(401);
    const wrong = await deactivate(user, { auth: passwordLogin(user.userId, 'wrong_password') });
    expect([wrong.status, wrong.body.errcode]).toEqual([401, 'M_FORBIDDEN']);
    const { status, body } = await deactivate(user, { auth: authOf(user) });
    expect([status, body]).toEqual([200, { id_server_unbind_result: 'success' }]);
    expect(await statusOf(user.token)).toBe(401);
    expect(await canLogIn(user, user.password)).toBe(false);
    expect(await canLogIn(user, '')).toBe(false);
    expect((await instance.http.post('refresh', { refresh_token: session.refresh_token })).status).toBe(401);
    const username = user.userId.slice(1, user.userId.indexOf(':'));
    const again = await instance.http.post('register', { username, password: user.password });
    expect(again.body.errcode).toBe('M_USER_IN_USE');
  });

  it('leaves the rooms, also when the room server is away at first', async () => {
    const user = await register(instance.http);
    rooms.memberOf = [
      { roomId: '!a:one.test', membership: 'join' },
      { roomId: '!b:one.test', membership: 'invite' },
    ];
    rooms.failures = 1;
    await deactivate(user, { auth: authOf(user) });
    expect(rooms.asked.at(-1)).toEqual({ userId: user.userId, memberships: ['join', 'invite', 'knock'] });
    await eventually(() => {
      const left = rooms.memberships.filter(({ sender }) => sender === user.userId);
      expect(new Set(left.map(({ roomId }) => roomId))).toEqual(new Set(['!a:one.test', '!b:one.test']));
    });
    rooms.memberOf = [];
  });

  it('erases profile and account data when asked, and says so to those who follow', async () => {
    const user = await register(instance.http);
    const path = `user/${user.userId}/account_data`;
    for (const type of ['a', 'b', 'c']) await instance.http.put(`${path}/${type}`, { of: type }, user.token);
    await deactivate(user, { erase: true, auth: authOf(user) });
    expect((await instance.http.get(`profile/${user.userId}`)).body).toEqual({});
    const { changes } = await instance.server.userLog.getUserChanges({ userId: user.userId, afterSeq: 3, limit: 0 });
    expect(changes?.changes.map(({ userSeq, accountData }) => [userSeq, accountData])).toEqual([
      [4, { roomId: '', type: 'a', contentJson: '{}' }],
      [5, { roomId: '', type: 'b', contentJson: '{}' }],
      [6, { roomId: '', type: 'c', contentJson: '{}' }],
      [7, { roomId: '', type: '', contentJson: '{"erased":true}' }],
    ]);
    const { rows } = await instance.db.query({
      text: 'SELECT erased, password_hash FROM user_server.accounts WHERE user_id = $1',
      values: [user.userId],
    });
    expect(rows).toEqual([{ erased: true, password_hash: null }]);
  });

  it('tells those who keep things of users who has been erased, and of nobody else', async () => {
    const [erased, kept] = [await register(instance.http), await register(instance.http)];
    const sinceMs = Date.now() - 60_000;
    await deactivate(erased, { erase: true, auth: authOf(erased) });
    await deactivate(kept, { auth: authOf(kept) });
    const list = async (since: number, afterUser: string) =>
      (await instance.server.users.listErasedUsers({ sinceMs: since, afterUser, limit: 100 })).userIds;
    expect(await list(sinceMs, '')).toContain(erased.userId);
    expect(await list(sinceMs, '')).not.toContain(kept.userId);
    expect(await list(sinceMs, erased.userId)).not.toContain(erased.userId);
    expect(await list(Date.now() + 60_000, '')).toEqual([]);
  });

  it('keeps them otherwise', async () => {
    const user = await register(instance.http, 'kept');
    await deactivate(user, { auth: authOf(user) });
    expect((await instance.http.get(`profile/${user.userId}`)).body).toEqual({ displayname: 'kept' });
  });
});

describe('GET /account/3pid', () => {
  it('knows of none', async () => {
    const user = await register(instance.http);
    expect((await instance.http.get('account/3pid', user.token)).body).toEqual({ threepids: [] });
  });
});
