import { createHash, createHmac } from 'node:crypto';
import { Deployment, type Instance, SHARED_SECRET } from './support/deployment.js';
import { freshName, logIn, passwordLogin, register } from './support/http-client.js';

const DUMMY = { type: 'm.login.dummy' };
const PASSWORD = 'sUp3rs3kr1t';

let deployment: Deployment;
let replicas: [Instance, Instance];

beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = await Promise.all([deployment.start(), deployment.start()]);
});
afterAll(() => deployment.close());

/** Does something on both replicas in turn, all at once. */
function atOnce<T>(times: number, act: (instance: Instance, index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: times }, (_, index) => act(replicas[index % 2]!, index)));
}

const whoIs = (token: string, { server }: Instance = replicas[0]) =>
  server.tokens.whoIs({ tokenHash: createHash('sha256').update(token).digest() });

describe('two replicas on one database', () => {
  it('give a name to one of those who register it at once', async () => {
    for (let round = 0; round < 5; round++) {
      const username = freshName('race');
      const answers = await atOnce(6, ({ http }) =>
        http.post('register', { auth: DUMMY, username, password: PASSWORD }),
      );
      const outcomes = answers.map(({ status, body }) => (status === 200 ? 'made' : body.errcode)).sort();
      expect(outcomes).toEqual([...Array(5).fill('M_USER_IN_USE'), 'made']);
    }
  });

  it('complete on one what was begun on the other', async () => {
    const request = { username: freshName(), password: PASSWORD };
    const { session } = (await replicas[0].http.post('register', request)).body;
    const { status } = await replicas[1].http.post('register', { ...request, auth: { ...DUMMY, session } });
    expect(status).toBe(200);
  });

  it('give all who repeat a registration in one session the same account and token', async () => {
    for (let round = 0; round < 5; round++) {
      const request = { username: freshName('repeated'), password: PASSWORD };
      const { session } = (await replicas[0].http.post('register', request)).body;
      const answers = await atOnce(6, ({ http }) => http.post('register', { auth: { ...DUMMY, session } }));
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
      expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1);
      await whoIs(answers[0]!.body.access_token);
    }
  });

  it('change a password once for all who repeat the request in one session', async () => {
    const user = await register(replicas[0].http);
    const request = { new_password: 'another good one' };
    const { session } = (await replicas[0].http.post('account/password', request, user.token)).body;
    const auth = { ...passwordLogin(user.userId, user.password), session };
    const answers = await atOnce(6, ({ http }) => http.post('account/password', { ...request, auth }, user.token));
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect((await logIn(replicas[1].http, { ...user, password: 'another good one' })).userId).toBe(user.userId);
  });

  it('accept a nonce once, whoever gave it', async () => {
    const path = '/_synapse/admin/v1/register';
    const { nonce } = (await replicas[0].http.get(path)).body;
    const answers = await atOnce(6, ({ http }, index) => {
      const username = freshName(`nonce-${index}`);
      const mac = createHmac('sha1', SHARED_SECRET)
        .update([nonce, username, PASSWORD, 'notadmin'].join('\0'))
        .digest('hex');
      return http.post(path, { nonce, username, password: PASSWORD, mac });
    });
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('log one device in many times at once and leave one session', async () => {
    const user = await register(replicas[0].http);
    const sessions = await atOnce(8, ({ http }) => logIn(http, user, { device_id: 'PHONE' }));
    const alive = await Promise.allSettled(sessions.map(({ token }) => whoIs(token)));
    expect(alive.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('let nobody in with a password that has been changed meanwhile', async () => {
    for (let round = 0; round < 5; round++) {
      const user = await register(replicas[0].http);
      const change = { new_password: 'the new password', auth: passwordLogin(user.userId, user.password) };
      const [changed, ...logins] = await atOnce(7, ({ http }, index) =>
        index === 0
          ? http.post('account/password', change, user.token)
          : http.post('login', passwordLogin(user.userId, user.password)),
      );
      expect(changed?.status).toBe(200);
      const tokens = logins.flatMap(({ status, body }) => (status === 200 ? [body.access_token] : []));
      const alive = await Promise.allSettled(tokens.map((token) => whoIs(token)));
      expect(alive.filter(({ status }) => status === 'fulfilled')).toEqual([]);
      expect(await whoIs(user.token)).toMatchObject({ userId: user.userId });
    }
  });

  it('let nobody into an account that is being deactivated', async () => {
    for (let round = 0; round < 5; round++) {
      const user = await register(replicas[0].http);
      const { body: refreshable } = await replicas[0].http.post(
        'login',
        passwordLogin(user.userId, user.password, { refresh_token: true }),
      );
      const [deactivated, ...others] = await atOnce(7, ({ http }, index) => {
        const auth = passwordLogin(user.userId, user.password);
        if (index === 0) return http.post('account/deactivate', { auth }, user.token);
        if (index % 3 === 0) return http.post('refresh', { refresh_token: refreshable.refresh_token });
        return http.post('login', auth);
      });
      expect(deactivated?.status).toBe(200);
      const tokens = others.flatMap(({ status, body }) => (status === 200 ? [body.access_token] : []));
      const alive = await Promise.allSettled(tokens.map((token) => whoIs(token, replicas[1])));
      expect(alive.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    }
  });

  it('change a password once when two set one at once', async () => {
    const user = await register(replicas[0].http);
    const answers = await atOnce(2, ({ http }, index) => {
      const body = { new_password: `new password ${index}`, auth: passwordLogin(user.userId, user.password) };
      return http.post('account/password', body, user.token);
    });
    const logins = await atOnce(2, ({ http }, index) =>
      http.post('login', passwordLogin(user.userId, `new password ${index}`)),
    );
    const succeeded = answers.map(({ status }) => status === 200);
    expect(logins.map(({ status }) => status === 200)).toEqual(succeeded);
    expect(succeeded.filter(Boolean)).toHaveLength(1);
  });

  it('end many devices at once without getting in each other’s way', async () => {
    const user = await register(replicas[0].http);
    const sessions = await atOnce(6, ({ http }) => logIn(http, user));
    const devices = sessions.map(({ deviceId }) => deviceId);
    const auth = passwordLogin(user.userId, user.password);
    const answers = await atOnce(4, ({ http }, index) => {
      const order = index < 2 ? devices : devices.toReversed();
      return http.post('delete_devices', { devices: order, auth }, user.token);
    });
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await replicas[0].http.get('devices', user.token)).body.devices).toHaveLength(1);
  });
});

describe('Tokens.whoIs', () => {
  it('asks the database once for many at once', async () => {
    const users = await atOnce(4, ({ http }) => register(http));
    const query = replicas[0].db.query.bind(replicas[0].db);
    const names: (string | undefined)[] = [];
    replicas[0].db.query = ((statement: { name?: string }) => {
      names.push(statement.name);
      return query(statement as never);
    }) as never;
    const asked = [...users, ...users, ...users].map(({ token }) => whoIs(token));
    const unknown = whoIs('unknown');
    await expect(unknown).rejects.toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });
    const owners = await Promise.all(asked);
    replicas[0].db.query = query;
    expect(owners.map(({ userId }) => userId)).toEqual([...users, ...users, ...users].map(({ userId }) => userId));
    expect(names.filter((name) => name === 'token-owners')).toHaveLength(1);
  });

  it('answers with all that a service needs to know', async () => {
    const { token, userId, deviceId } = await register(replicas[0].http);
    const owner = { userId, deviceId, admin: false, guest: false, expiresAtMs: 0, suspended: false };
    expect(await whoIs(token)).toEqual({ ...owner, deviceNid: expect.any(Number) });
    const request = passwordLogin(userId, `secret of ${userId.slice(1, userId.indexOf(':'))}`, { refresh_token: true });
    const { body } = await replicas[0].http.post('login', request);
    const { expiresAtMs } = await whoIs(body.access_token);
    expect(Math.abs(expiresAtMs - Date.now() - 300_000)).toBeLessThan(30_000);
  });

  it('does not mistake nonsense for a token', async () => {
    for (const tokenHash of [Buffer.alloc(0), Buffer.alloc(1_000)]) {
      await expect(replicas[0].server.tokens.whoIs({ tokenHash })).rejects.toMatchObject({ status: 401 });
    }
  });
});
