import { eventually } from '@ganglion/testing';
import { Deployment, type Instance } from './support/deployment.js';
import { logIn, passwordLogin, register, type TestUser } from './support/http-client.js';

const PATIENCE_MS = 60_000;

let deployment: Deployment;
let instance: Instance;
let user: TestUser;

beforeAll(async () => {
  deployment = await Deployment.create();
  instance = await deployment.start();
});
afterAll(() => deployment.close());
beforeEach(async () => {
  user = await register(instance.http);
});

const authOf = ({ userId, password }: TestUser) => passwordLogin(userId, password);
const deviceIds = async (token: string) =>
  (await instance.http.get('devices', token)).body.devices.map((device: { device_id: string }) => device.device_id);

describe('devices', () => {
  it('are listed and shown', async () => {
    const phone = { device_id: 'PHONE', initial_device_display_name: 'My phone' };
    await logIn(instance.http, user, phone);
    expect(await deviceIds(user.token)).toEqual([user.deviceId, 'PHONE']);
    const { status, body } = await instance.http.get('devices/PHONE', user.token);
    expect([status, body]).toEqual([200, { device_id: 'PHONE', display_name: 'My phone' }]);
  });

  it('are their owner’s alone', async () => {
    const other = await register(instance.http);
    for (const method of ['GET', 'PUT']) {
      const call = { token: other.token, ...(method === 'PUT' && { body: { display_name: 'mine' } }) };
      const { status, body } = await instance.http.call(method, `devices/${user.deviceId}`, call);
      expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
    }
  });

  it('take along what was noted of how they notify, and nothing else', async () => {
    const path = (type: string) => `user/${encodeURIComponent(user.userId)}/account_data/${type}`;
    const settings = 'org.matrix.msc3890.local_notification_settings';
    const types = [`${settings}.PHONE`, `${settings}.TABLET`, `${settings}.${user.deviceId}`, 'org.example.own'];
    for (const type of types) await instance.http.put(path(type), { is_silenced: true }, user.token);
    const phone = await logIn(instance.http, user, { device_id: 'PHONE' });
    await instance.http.post('logout', {}, phone.token);
    const statuses = await Promise.all(types.map((type) => instance.http.get(path(type), user.token)));
    expect(statuses.map(({ status }) => status)).toEqual([404, 200, 200, 200]);
    expect(statuses[0]!.body.errcode).toBe('M_NOT_FOUND');
  });

  it('take it along as well when a new password logs them out', async () => {
    const owner = await register(instance.http);
    const path = (id: string) =>
      `user/${encodeURIComponent(owner.userId)}/account_data/m.local_notification_settings.${id}`;
    await logIn(instance.http, owner, { device_id: 'PHONE' });
    const ids = ['PHONE', owner.deviceId];
    for (const id of ids) await instance.http.put(path(id), { is_silenced: true }, owner.token);
    const change = { new_password: 'another good one', auth: passwordLogin(owner.userId, owner.password) };
    expect((await instance.http.post('account/password', change, owner.token)).status).toBe(200);
    const answers = await Promise.all(ids.map((id) => instance.http.get(path(id), owner.token)));
    expect(answers.map(({ status }) => status)).toEqual([404, 200]);
  });

  it('end without a deadlock while their owner logs in with them', async () => {
    const owner = await register(instance.http);
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) {
      const phone = await logIn(instance.http, owner, { device_id: 'PHONE' });
      const again = { ...passwordLogin(owner.userId, owner.password), device_id: 'PHONE' };
      const [out, into] = await Promise.all([
        instance.http.post('logout', {}, phone.token),
        instance.http.post('login', again),
      ]);
      statuses.push(into.status);
      expect([200, 401]).toContain(out.status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
  });

  it('can be renamed', async () => {
    const path = `devices/${user.deviceId}`;
    expect((await instance.http.put(path, { display_name: 'new' }, user.token)).status).toBe(200);
    expect((await instance.http.put(path, {}, user.token)).status).toBe(200);
    expect((await instance.http.get(path, user.token)).body.display_name).toBe('new');
    const long = await instance.http.put(path, { display_name: 'x'.repeat(101) }, user.token);
    expect([long.status, long.body.errcode]).toEqual([400, 'M_TOO_LARGE']);
    expect((await instance.http.put('devices/UNKNOWN', {}, user.token)).status).toBe(404);
    expect((await instance.http.put('devices/%00', {}, user.token)).body.errcode).toBe('M_INVALID_PARAM');
  });

  it('show when they were last seen, noted once for many requests', async () => {
    const before = Date.now();
    await Promise.all(Array.from({ length: 5 }, () => instance.http.get('account/whoami', user.token)));
    await eventually(async () => {
      const { body } = await instance.http.get(`devices/${user.deviceId}`, user.token);
      expect(body.last_seen_ts).toBeGreaterThanOrEqual(before);
      expect(body.last_seen_ts).toBeLessThanOrEqual(Date.now());
    });
  });
});

describe('DELETE /devices/{deviceId}', () => {
  it('wants the password even without a body', async () => {
    const { status, body } = await instance.http.delete(`devices/${user.deviceId}`, user.token);
    expect([status, Object.keys(body).sort()]).toEqual([401, ['flows', 'params', 'session']]);
  });

  it('ends the device and its tokens', async () => {
    const other = await logIn(instance.http, user);
    const path = `devices/${other.deviceId}`;
    const wrong = await instance.http.delete(path, user.token, { auth: passwordLogin(user.userId, 'wrong') });
    expect([wrong.status, wrong.body]).toEqual([
      401,
      {
        ...{ flows: expect.any(Array), params: {}, completed: [], session: expect.any(String) },
        ...{ errcode: 'M_FORBIDDEN', error: expect.any(String) },
      },
    ]);
    expect((await instance.http.delete(path, user.token, { auth: authOf(user) })).status).toBe(200);
    expect((await instance.http.get(path, user.token)).status).toBe(404);
    expect((await instance.http.get('account/whoami', other.token)).status).toBe(401);
    expect((await instance.http.delete(path, user.token, { auth: authOf(user) })).status).toBe(200);
  });

  it('does not accept somebody else’s password', async () => {
    const bob = await register(instance.http);
    const path = `devices/${user.deviceId}`;
    const { status, body } = await instance.http.delete(path, user.token, { auth: authOf(bob) });
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    expect((await instance.http.get(path, user.token)).status).toBe(200);
  });

  it('uses a session for one device however it is written', async () => {
    const other = await logIn(instance.http, user, { device_id: 'a phone' });
    const { session } = (await instance.http.delete('devices/a%20phone', user.token)).body;
    const auth = { ...authOf(user), session };
    expect((await instance.http.delete('devices/%61%20phone/', user.token, { auth })).status).toBe(200);
    expect((await instance.http.get('account/whoami', other.token)).status).toBe(401);
  });

  it('does not use a session of one device for another', async () => {
    const other = await logIn(instance.http, user);
    const { session } = (await instance.http.delete(`devices/${other.deviceId}`, user.token)).body;
    const auth = { ...authOf(user), session };
    const { status } = await instance.http.delete(`devices/${user.deviceId}`, user.token, { auth });
    expect(status).toBe(403);
  });
});

describe('POST /delete_devices', () => {
  it('ends those named and no others', async () => {
    const [a, b, c] = [
      await logIn(instance.http, user),
      await logIn(instance.http, user),
      await logIn(instance.http, user),
    ];
    const devices = [a.deviceId, b.deviceId, 'UNKNOWN'];
    const { status } = await instance.http.post('delete_devices', { devices, auth: authOf(user) }, user.token);
    expect(status).toBe(200);
    expect(new Set(await deviceIds(user.token))).toEqual(new Set([user.deviceId, c.deviceId]));
  });

  it('does not end more than was authorised', async () => {
    const other = await logIn(instance.http, user);
    const { session } = (await instance.http.post('delete_devices', { devices: ['X'] }, user.token)).body;
    const body = { devices: ['X', other.deviceId], auth: { ...authOf(user), session } };
    expect((await instance.http.post('delete_devices', body, user.token)).status).toBe(403);
    expect(await deviceIds(user.token)).toContain(other.deviceId);
  });

  it('needs a list of ids', async () => {
    for (const body of [{ devices: 'X' }, { devices: [1] }]) {
      expect((await instance.http.post('delete_devices', body, user.token)).body.errcode).toBe('M_BAD_JSON');
    }
    const { body } = await instance.http.post('delete_devices', { auth: authOf(user) }, user.token);
    expect(body.errcode).toBe('M_MISSING_PARAM');
  });

  it('lets the request that authenticates leave out which, and answers it again', async () => {
    const other = await logIn(instance.http, user);
    const { session } = (await instance.http.post('delete_devices', { devices: [other.deviceId] }, user.token)).body;
    const request = { auth: { ...authOf(user), session } };
    expect((await instance.http.post('delete_devices', request, user.token)).status).toBe(200);
    const again = await logIn(instance.http, user, { device_id: other.deviceId });
    expect((await instance.http.post('delete_devices', request, user.token)).status).toBe(200);
    // It was carried out once: the device that has come since stays.
    expect((await instance.http.get('account/whoami', again.token)).status).toBe(200);
  });
});

it('of any number of users are found by one question', async () => {
  const strangers = Array.from({ length: 70_000 }, (_, n) => `@stranger-${n}:one.test`);
  const { users } = await instance.server.devices.listDevicesOf({ userIds: [...strangers, user.userId] });
  expect(users.map(({ userId, devices }) => [userId, devices.map(({ deviceId }) => deviceId)])).toEqual([
    [user.userId, [user.deviceId]],
  ]);
});

describe('the log of devices', () => {
  const changedSince = (sinceCursor: number, limit = 0, afterUser = '') =>
    instance.server.devices.listChangedDevices({ sinceCursor, afterUser, limit });

  it.each<[string, () => Promise<unknown>]>([
    ['logs in', () => logIn(instance.http, user, { device_id: 'PHONE' })],
    ['logs out', () => instance.http.post('logout', {}, user.token)],
    ['logs out everywhere', () => instance.http.post('logout/all', {}, user.token)],
    ['renames a device', () => instance.http.put(`devices/${user.deviceId}`, { display_name: 'another' }, user.token)],
  ])(
    'names who %s, once it is answered',
    async (_, act) => {
      const { cursor } = await changedSince(0);
      await act();
      let page = await changedSince(cursor);
      expect(page.userIds).toContain(user.userId);
      // A cursor stays behind while any transaction of the database server is open, be it of another test.
      await eventually(async () => {
        page = await changedSince(page.cursor);
        expect(page.userIds).not.toContain(user.userId);
      }, PATIENCE_MS);
    },
    90_000,
  );

  it('names who is deactivated without a device, and says so with their devices', async () => {
    const other = await register(instance.http);
    await instance.http.post('logout', {}, other.token);
    expect(await instance.server.devices.listDevices({ userId: other.userId })).toEqual({ devices: [] });
    await instance.db.query({
      text: 'DELETE FROM user_server.device_changes WHERE user_id = $1',
      values: [other.userId],
    });
    const text = 'UPDATE user_server.accounts SET deactivated_at = now() WHERE user_id = $1';
    await instance.db.query({ text, values: [other.userId] });
    expect((await changedSince(0)).userIds).toContain(other.userId);
    const found = await instance.server.devices.listDevices({ userId: other.userId });
    expect(found).toEqual({ devices: [], deactivated: true });
  });

  it('is told in pages', async () => {
    const others = await Promise.all([register(instance.http), register(instance.http)]);
    for (const { token } of others) await instance.http.post('logout', {}, token);
    const seen: string[] = [];
    for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
      const page = await changedSince(0, 1, afterUser);
      seen.push(...page.userIds);
      afterUser = page.nextUser;
    }
    expect(seen).toEqual([...seen].sort());
    expect(seen).toEqual(expect.arrayContaining(others.map(({ userId }) => userId)));
  });
});
