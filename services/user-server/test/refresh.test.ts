import { createHash } from 'node:crypto';
import { TOKENS_REVOKED } from '@ganglion/contracts';
import type { TokensRevoked } from '@ganglion/contracts/user';
import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Instance } from './support/deployment.js';
import { passwordLogin, register, type TestUser } from './support/http-client.js';

interface Tokens {
  access_token: string;
  refresh_token: string;
}

const hashOf = (token: string) => createHash('sha256').update(token).digest();

describe.each(BUSES)('refreshing, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let one: Instance;
  let two: Instance;
  let user: TestUser;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    [one, two] = await Promise.all([deployment.start(), deployment.start()]);
    user = await register(one.http);
  });
  afterAll(() => deployment.close());

  async function login(): Promise<Tokens> {
    const request = passwordLogin(user.userId, user.password, { refresh_token: true });
    return (await one.http.post('login', request)).body;
  }

  const refresh = (token: string, instance = one) => instance.http.post('refresh', { refresh_token: token });

  /** Asked of the database, whatever caches remember. */
  const works = (token: string, instance = one) =>
    instance.server.tokens.whoIs({ tokenHash: hashOf(token) }).then(
      () => true,
      () => false,
    );

  it('gives new tokens while the old ones last until the new ones are used', async () => {
    const first = await login();
    const { status, body: second } = await refresh(first.refresh_token);
    expect([status, Object.keys(second).sort()]).toEqual([200, ['access_token', 'expires_in_ms', 'refresh_token']]);
    expect(await works(first.access_token)).toBe(true);
    expect(await works(second.access_token)).toBe(true);
    expect(await works(first.access_token)).toBe(false);
    const again = await refresh(first.refresh_token);
    expect([again.status, again.body.errcode, again.body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', true]);
  });

  it('keeps the device', async () => {
    const first = await login();
    const before = await one.http.get('account/whoami', first.access_token);
    const { body: second } = await refresh(first.refresh_token);
    expect((await one.http.get('account/whoami', second.access_token)).body).toEqual(before.body);
  });

  it('gives the same answer to a client that never got it', async () => {
    const first = await login();
    const { body: lost } = await refresh(first.refresh_token);
    const { status, body: found } = await refresh(first.refresh_token, two);
    expect([status, found]).toEqual([200, lost]);
    expect(await works(found.access_token, two)).toBe(true);
    expect((await refresh(first.refresh_token)).status).toBe(401);
    expect((await refresh(lost.refresh_token)).status).toBe(200);
  });

  it('gives a client the full time anew when it asks again', async () => {
    const first = await login();
    const { body: lost } = await refresh(first.refresh_token);
    await one.db.query({ text: "UPDATE user_server.access_tokens SET expires_at = now() - interval '1 s'" });
    const { body: found } = await refresh(first.refresh_token, two);
    expect(found).toEqual(lost);
    expect(await works(found.access_token)).toBe(true);
  });

  it('counts the use of a new refresh token as well as that of the access token', async () => {
    const first = await login();
    const { body: second } = await refresh(first.refresh_token);
    const { body: third } = await refresh(second.refresh_token, two);
    expect(await works(first.access_token)).toBe(false);
    expect(await works(second.access_token)).toBe(true);
    expect(await works(third.access_token)).toBe(true);
    expect(await works(second.access_token)).toBe(false);
    expect((await refresh(first.refresh_token)).status).toBe(401);
  });

  it('loses none of the six parts of a client that refresh at once, and use at once what they get', async () => {
    for (let round = 0; round < 10; round++) {
      const first = await login();
      const parts = [one, two, one, two, one, two];
      const answers = await Promise.all(parts.map((instance) => refresh(first.refresh_token, instance)));
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
      const tokens = answers.map(({ body }) => body as Tokens);
      const used = await Promise.all(tokens.map(({ access_token }, index) => works(access_token, parts[index])));
      expect(used).toEqual(Array(6).fill(true));
      expect(await works(first.access_token)).toBe(false);
      const next = await Promise.all(parts.map((instance) => refresh(tokens[0]!.refresh_token, instance)));
      expect(next.map(({ status }) => status)).toEqual(Array(6).fill(200));
    }
  });

  it('loses none of six devices that refresh at once', async () => {
    const devices = await Promise.all(Array.from({ length: 6 }, login));
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        devices.map(({ refresh_token }, i) => refresh(refresh_token, i % 2 ? one : two)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
      answers.forEach(({ body }, index) => {
        devices[index] = body;
      });
      expect(await Promise.all(devices.map(({ access_token }) => works(access_token)))).toEqual(Array(6).fill(true));
    }
  });

  it('logs a part that comes too late out softly as long as the device is there, and for good when it is not', async () => {
    const first = await login();
    const { body: second } = await refresh(first.refresh_token);
    expect(await works(second.access_token)).toBe(true);
    const late = await refresh(first.refresh_token, two);
    expect([late.status, late.body.errcode, late.body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', true]);
    await one.http.post('logout', {}, second.access_token);
    for (const token of [first.refresh_token, second.refresh_token]) {
      const { status, body } = await refresh(token, two);
      expect([status, body.errcode, body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', false]);
    }
  });

  it.each([
    ['nonsense', 'nonsense'],
    ['one of old', `grt_${'x'.repeat(43)}`],
    ['one that names no device', `grt_${Buffer.from('@user').toString('base64url')}_${'x'.repeat(43)}`],
    [
      'one that names a device that cannot be',
      `grt_${Buffer.from('@u:x a\0b').toString('base64url')}_${'x'.repeat(43)}`,
    ],
    ['nothing', ''],
  ])('knows no token that is %s', async (_, token) => {
    const { status, body } = await refresh(token);
    expect([status, body.errcode, body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', false]);
  });

  it('does not pile up answers that nobody uses, nor show them to who reads the database', async () => {
    const first = await login();
    const answers: Tokens[] = [];
    for (let i = 0; i < 8; i++) answers.push((await refresh(first.refresh_token)).body);
    const { rows } = await one.db.query<{ successors: Buffer; count: number }>({
      text: `SELECT successors, (SELECT count(*) FROM user_server.refresh_tokens c WHERE c.parent_id = p.token_id)
             FROM user_server.refresh_tokens p WHERE token_hash = $1`,
      values: [hashOf(first.refresh_token)],
    });
    expect(rows[0]?.count).toBe(1);
    expect(rows[0]?.successors.toString('latin1')).not.toContain(answers[0]?.access_token);
  });

  it('tells everybody which tokens have ended', async () => {
    const heard: string[] = [];
    const subscription = await deployment.testBus.bus.listen(TOKENS_REVOKED, ({ tokenHashes }: TokensRevoked) => {
      heard.push(...tokenHashes.map((hash) => hash.toString('hex')));
    });
    const first = await login();
    const { body: second } = await refresh(first.refresh_token);
    expect((await two.http.get('account/whoami', first.access_token)).status).toBe(200);
    await works(second.access_token);
    await eventually(() => expect(heard).toContain(hashOf(first.access_token).toString('hex')));
    expect(heard).not.toContain(hashOf(second.access_token).toString('hex'));
    await eventually(async () => {
      expect((await two.http.get('account/whoami', first.access_token)).status).toBe(401);
    });
    await one.http.post('logout', {}, second.access_token);
    await eventually(() => expect(heard).toContain(hashOf(second.access_token).toString('hex')));
    await subscription.stop();
  });

  it('ends with the device', async () => {
    const first = await login();
    await one.http.post('logout', {}, first.access_token);
    expect((await refresh(first.refresh_token)).status).toBe(401);
  });
});

describe('tokens that expire', () => {
  let deployment: Deployment;
  let instance: Instance;
  let user: TestUser;
  const sessions = {
    access_token_lifetime_ms: 1,
    refreshable_access_token_lifetime_ms: 1,
    refresh_token_lifetime_ms: 60_000,
  };

  beforeAll(async () => {
    deployment = await Deployment.create();
    instance = await deployment.start({ config: { sessions } });
    user = await register(instance.http);
  });
  afterAll(() => deployment.close());

  it('are refused softly', async () => {
    const { status, body } = await instance.http.get('account/whoami', user.token);
    expect([status, body.errcode, body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', true]);
  });

  it('say so beforehand', async () => {
    const { body } = await instance.http.post('login', passwordLogin(user.userId, user.password));
    expect([body.expires_in_ms, body.refresh_token]).toEqual([1, undefined]);
  });

  it('can be refreshed after they expired, until the refresh token expires too', async () => {
    const request = passwordLogin(user.userId, user.password, { refresh_token: true });
    const { body } = await instance.http.post('login', request);
    const refreshed = await instance.http.post('refresh', { refresh_token: body.refresh_token });
    expect(refreshed.status).toBe(200);
    await instance.db.query({ text: "UPDATE user_server.refresh_tokens SET expires_at = now() - interval '1 second'" });
    const late = await instance.http.post('refresh', { refresh_token: refreshed.body.refresh_token });
    expect([late.status, late.body.errcode, late.body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', true]);
  });
});
