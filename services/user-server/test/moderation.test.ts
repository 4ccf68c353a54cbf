import { BUSES, eventually } from '@ganglion/testing';
import { registerAdmin } from './support/admin.js';
import { Deployment, type Instance } from './support/deployment.js';
import { type Answer, type HttpClient, logIn, passwordLogin, register, type TestUser } from './support/http-client.js';

const V1 = '/_matrix/client/v1';
const refusal = ({ status, body }: Answer) => [status, body.errcode];
const LOCKED = { status: 401, body: { errcode: 'M_USER_LOCKED', soft_logout: true } };

describe.each(BUSES)('with the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let instance: Instance;
  let other: Instance;
  let admin: TestUser;
  let user: TestUser;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    [instance, other] = [await deployment.start(), await deployment.start()];
    admin = await registerAdmin(instance.http);
  });
  afterAll(() => deployment.close());
  beforeEach(async () => {
    user = await register(instance.http);
  });

  const lock = (locked: boolean, of = user) =>
    instance.http.put(`${V1}/admin/lock/${of.userId}`, { locked }, admin.token);

  describe('an account that is locked', () => {
    it('is of no use at any replica, also to who waits, until it is unlocked', async () => {
      expect((await other.http.get('account/whoami', user.token)).status).toBe(200);
      const waiting = other.http.get('/wait', user.token);
      await eventually(async () => expect((await other.http.get('devices', user.token)).status).toBe(200));
      const answer = await lock(true);
      expect([answer.status, answer.body]).toEqual([200, { locked: true }]);
      expect(await waiting).toMatchObject(LOCKED);
      await eventually(async () => {
        for (const { http } of [instance, other])
          expect(await http.get('account/whoami', user.token)).toMatchObject(LOCKED);
      });
      expect(await instance.http.put('devices/X', {}, user.token)).toMatchObject(LOCKED);
      await lock(false);
      await eventually(async () => {
        for (const { http } of [instance, other])
          expect((await http.get('account/whoami', user.token)).status).toBe(200);
      });
    });

    it('gets no new tokens', async () => {
      const login = passwordLogin(user.userId, user.password, { refresh_token: true });
      const { refresh_token } = (await instance.http.post('login', login)).body;
      await lock(true);
      expect(await instance.http.post('login', login)).toMatchObject(LOCKED);
      expect(await instance.http.post('refresh', { refresh_token })).toMatchObject(LOCKED);
      const wrong = await instance.http.post('login', passwordLogin(user.userId, 'wrong'));
      expect(refusal(wrong)).toEqual([403, 'M_FORBIDDEN']);
      await lock(false);
      expect((await instance.http.post('refresh', { refresh_token })).status).toBe(200);
    });

    it('can log out', async () => {
      const phone = await logIn(instance.http, user);
      await lock(true);
      expect((await instance.http.post('logout', {}, phone.token)).status).toBe(200);
      await eventually(async () => {
        const whoami = await instance.http.get('account/whoami', phone.token);
        expect(refusal(whoami)).toEqual([401, 'M_UNKNOWN_TOKEN']);
      });
      expect((await instance.http.post('logout/all', {}, user.token)).status).toBe(200);
    });
  });

  describe('an account that is suspended', () => {
    it('reads, looks after its devices and logs in, and changes nothing that others see', async () => {
      const set = (suspended: boolean) =>
        instance.http.put(`${V1}/admin/suspend/${user.userId}`, { suspended }, admin.token);
      expect((await set(true)).body).toEqual({ suspended: true });
      expect((await instance.http.get(`${V1}/admin/suspend/${user.userId}`, admin.token)).body).toEqual({
        suspended: true,
      });
      const phone = await logIn(instance.http, user);
      expect((await instance.http.get('account/whoami', phone.token)).status).toBe(200);
      expect((await instance.http.put(`devices/${phone.deviceId}`, { display_name: 'x' }, phone.token)).status).toBe(
        200,
      );
      const name = () => instance.http.put(`profile/${user.userId}/displayname`, { displayname: 'x' }, phone.token);
      expect(refusal(await name())).toEqual([403, 'M_USER_SUSPENDED']);
      expect((await instance.http.post('logout', {}, phone.token)).status).toBe(200);
      await set(false);
      const { token } = await logIn(instance.http, user);
      const again = await instance.http.put(`profile/${user.userId}/displayname`, { displayname: 'x' }, token);
      expect(again.status).toBe(200);
    });
  });
});

describe('account moderation', () => {
  let deployment: Deployment;
  let http: HttpClient;
  let db: Instance['db'];
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    deployment = await Deployment.create();
    ({ http, db } = await deployment.start());
    [admin, user] = [await registerAdmin(http), await register(http)];
  });
  afterAll(() => deployment.close());

  describe.each([
    ['lock', 'locked'],
    ['suspend', 'suspended'],
  ])('%s', (path, field) => {
    const get = (userId: string, by = admin) => http.get(`${V1}/admin/${path}/${userId}`, by.token);
    const put = (userId: string, body: object, by = admin) => http.put(`${V1}/admin/${path}/${userId}`, body, by.token);

    it('is for administrators alone, whoever it is about', async () => {
      for (const userId of [admin.userId, user.userId, '@nobody:one.test', '@user:elsewhere.test', 'nobody']) {
        expect(refusal(await get(userId, user))).toEqual([403, 'M_FORBIDDEN']);
        expect(refusal(await put(userId, { [field]: true }, user))).toEqual([403, 'M_FORBIDDEN']);
      }
    });

    it('is not about oneself or another administrator', async () => {
      const another = await registerAdmin(http);
      expect(refusal(await put(admin.userId, { [field]: true }))).toEqual([403, 'M_FORBIDDEN']);
      expect(refusal(await put(another.userId, { [field]: true }))).toEqual([403, 'M_FORBIDDEN']);
      expect(refusal(await get(another.userId))).toEqual([403, 'M_FORBIDDEN']);
      expect((await get(another.userId, another)).body).toEqual({ [field]: false });
    });

    it.each([
      ['a user of another server', '@user:elsewhere.test', 400, 'M_INVALID_PARAM'],
      ['what is no user id', 'nobody', 400, 'M_INVALID_PARAM'],
      ['nobody', '@nobody:one.test', 404, 'M_NOT_FOUND'],
    ])('does not know %s', async (_, userId, status, errcode) => {
      expect(refusal(await get(userId))).toEqual([status, errcode]);
      expect(refusal(await put(userId, { [field]: true }))).toEqual([status, errcode]);
    });

    it('does not know who has been deactivated', async () => {
      const gone = await register(http);
      await http.post('account/deactivate', { auth: passwordLogin(gone.userId, gone.password) }, gone.token);
      expect(refusal(await get(gone.userId))).toEqual([404, 'M_NOT_FOUND']);
      expect(refusal(await put(gone.userId, { [field]: true }))).toEqual([404, 'M_NOT_FOUND']);
    });

    it.each([
      ['nothing', {}],
      ['a text', { [field]: 'true' }],
      ['null', { [field]: null }],
    ])('takes no %s', async (_, body) => {
      expect(refusal(await put(user.userId, body))).toEqual([400, 'M_BAD_JSON']);
      expect((await get(user.userId)).body).toEqual({ [field]: false });
    });
  });

  describe('whois', () => {
    const ask = (userId: string, by: TestUser) => http.get(`admin/whois/${userId}`, by.token);

    it('tells oneself and administrators where devices were seen', async () => {
      const headers = { 'user-agent': 'a telephone' };
      const seen = await register(http);
      await http.call('GET', 'account/whoami', { token: seen.token, headers });
      await eventually(async () => {
        const { rows } = await db.query({
          text: 'SELECT last_seen_address FROM user_server.devices WHERE user_id = $1',
          values: [seen.userId],
        });
        expect(rows).toEqual([{ last_seen_address: '127.0.0.1' }]);
      }, 20_000);
      const connection = { ip: '127.0.0.1', last_seen: expect.any(Number), user_agent: 'a telephone' };
      const devices = { [seen.deviceId]: { sessions: [{ connections: [connection] }] } };
      expect((await ask(seen.userId, seen)).body).toEqual({ user_id: seen.userId, devices });
      expect((await ask(seen.userId, admin)).body).toEqual({ user_id: seen.userId, devices });
      const { body } = await http.get('devices', seen.token);
      expect(body.devices).toEqual([expect.objectContaining({ last_seen_ip: '127.0.0.1' })]);
    });

    it('tells nobody else', async () => {
      expect(refusal(await ask(admin.userId, user))).toEqual([403, 'M_FORBIDDEN']);
      expect(refusal(await ask('@nobody:one.test', user))).toEqual([403, 'M_FORBIDDEN']);
      expect(refusal(await ask('@nobody:one.test', admin))).toEqual([404, 'M_NOT_FOUND']);
      expect(refusal(await ask('@user:elsewhere.test', admin))).toEqual([400, 'M_INVALID_PARAM']);
    });
  });
});
