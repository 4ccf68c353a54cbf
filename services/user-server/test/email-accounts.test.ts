import { freshName, passwordLogin, register } from './support/http-client.js';
import {
  ask,
  byEmail,
  confirmed,
  deployment,
  EMAIL,
  follow,
  freshAddress,
  http,
  instance,
  PASSWORD,
  proof,
  refusal,
  SECRET,
  start,
  withAddress,
  withMail,
} from './support/mail.js';

withMail();

describe('registration by e-mail', () => {
  it('may be asked of everybody, and goes on at any replica', async () => {
    const registration = { enabled: true, requires_email: true };
    const [one, two] = [await start({}, { registration }), await start({}, { registration })];
    const email = freshAddress();
    const request = { username: freshName(), password: PASSWORD };
    const first = await one!.http.post('register', request);
    expect([first.status, first.body.flows]).toEqual([401, [{ stages: [EMAIL] }]]);
    const { session } = first.body;
    expect(refusal(await two!.http.post('register', { ...request, auth: { type: 'm.login.dummy', session } }))).toEqual(
      [...[401, 'M_FORBIDDEN']],
    );
    const { sid } = (await ask('register', email, {}, one!.http)).body;
    const auth = { ...proof(sid), session };
    expect(refusal(await two!.http.post('register', { ...request, auth }))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
    await follow(email, 0, two!.http);
    const done = await two!.http.post('register', { ...request, auth });
    expect(done.status).toBe(200);
    expect((await one!.http.post('register', { ...request, auth })).body).toEqual(done.body);
    const { body } = await one!.http.get('account/3pid', done.body.access_token);
    const time = expect.any(Number);
    expect(body.threepids).toEqual([{ medium: 'email', address: email, validated_at: time, added_at: time }]);
    expect(Math.abs(body.threepids[0].validated_at - Date.now())).toBeLessThan(60_000);
  });

  it('is offered where e-mails are sent, and not elsewhere', async () => {
    expect((await http.post('register', {})).body.flows).toEqual([{ stages: ['m.login.dummy'] }, { stages: [EMAIL] }]);
    const without = await deployment.start();
    expect((await without.http.post('register', {})).body.flows).toEqual([{ stages: ['m.login.dummy'] }]);
    for (const purpose of ['register', 'password', 'contact'] as const) {
      expect(refusal(await ask(purpose, freshAddress(), {}, without.http))).toEqual([
        400,
        'M_THREEPID_MEDIUM_NOT_SUPPORTED',
      ]);
    }
  });

  it('gives an address to one account, however many ask at once', async () => {
    const email = freshAddress();
    const sids = [await confirmed('register', email)];
    const second = await ask('register', email, { client_secret: 'another.secret' });
    await follow(email, 1);
    const requests = [
      ...[proof(sids[0]!), proof(sids[0]!)],
      proof(second.body.sid, { client_secret: 'another.secret' }),
    ].map((auth) => http.post('register', { auth, username: freshName(), password: PASSWORD }));
    const statuses = (await Promise.all(requests)).map(({ status, body }) => [status, body.errcode]);
    expect(statuses.filter(([status]) => status === 200)).toHaveLength(1);
    for (const [status, errcode] of statuses) {
      if (status !== 200) expect(['M_THREEPID_IN_USE', 'M_THREEPID_AUTH_FAILED']).toContain(errcode);
    }
    const text = 'SELECT count(*)::int AS count FROM user_server.third_party_ids WHERE address = $1';
    expect((await instance.db.query({ text, values: [email] })).rows).toEqual([{ count: 1 }]);
  });

  it('needs the secret of who asked, and what was asked for', async () => {
    const email = freshAddress();
    const attempt = (auth: object) => http.post('register', { auth, username: freshName(), password: PASSWORD });
    const sid = await confirmed('register', email);
    expect(refusal(await attempt(proof(sid, { client_secret: 'guessed' })))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
    expect(refusal(await attempt(proof(await confirmed('contact', email))))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
    expect(refusal(await attempt({ type: EMAIL }))).toEqual([400, 'M_BAD_JSON']);
    expect(refusal(await attempt(proof('a\0b')))).toEqual([400, 'M_BAD_JSON']);
    expect(refusal(await attempt({ type: EMAIL, threepid_creds: { sid: 5 } }))).toEqual([400, 'M_BAD_JSON']);
    const inOldSpelling = { type: EMAIL, threepidCreds: { sid, client_secret: SECRET } };
    expect((await attempt(inOldSpelling)).status).toBe(200);
  });

  it('is of one server of ours: another one of them has other people', async () => {
    const email = freshAddress();
    const sid = await confirmed('register', email);
    const body = { auth: proof(sid), username: freshName(), password: PASSWORD };
    expect(refusal(await http.call('POST', 'register', { body, host: 'two.test' }))).toEqual([
      401,
      'M_THREEPID_AUTH_FAILED',
    ]);
  });
});

describe('somebody who has forgotten their password', () => {
  it('sets another one, and every device is logged out', async () => {
    const { email, userId, token } = await withAddress();
    const new_password = 'another good one';
    const first = await http.post('account/password', { new_password });
    expect([first.status, first.body.flows]).toEqual([401, [{ stages: [EMAIL] }]]);
    const sid = await confirmed('password', email);
    const { session } = first.body;
    const body = { new_password, auth: { ...proof(sid), session } };
    expect((await http.post('account/password', body)).status).toBe(200);
    expect((await http.post('account/password', body)).status).toBe(200);
    expect(refusal(await http.get('account/whoami', token))).toEqual([401, 'M_UNKNOWN_TOKEN']);
    expect(refusal(await http.post('login', passwordLogin(userId, PASSWORD)))).toEqual([403, 'M_FORBIDDEN']);
    expect((await http.post('login', passwordLogin(userId, new_password))).status).toBe(200);
    // The link was for one time.
    const again = { new_password: 'yet another one', auth: proof(sid) };
    expect(refusal(await http.post('account/password', again))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
  });

  it('makes of no use what somebody else could have set one by', async () => {
    const { email, userId, token } = await withAddress();
    const auth = proof(await confirmed('password', email));
    const known = passwordLogin(userId, PASSWORD);
    const change = { new_password: 'another good one', auth: known };
    expect((await http.post('account/password', change, token)).status).toBe(200);
    const stolen = { new_password: 'the one of a thief', auth };
    expect(refusal(await http.post('account/password', stolen))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
  });

  it('has no more time for it by asking for another e-mail once the link has been followed', async () => {
    const { email } = await withAddress();
    const sid = await confirmed('password', email);
    const expiry = async () => {
      const text = 'SELECT expires_at FROM user_server.email_sessions WHERE session_id = $1';
      return (await instance.db.query({ text, values: [sid] })).rows;
    };
    const before = await expiry();
    expect(before).toHaveLength(1);
    expect((await ask('password', email, { send_attempt: Date.now() + 10_000 })).body).toEqual({ sid });
    expect(await expiry()).toEqual(before);
  });

  it('keeps their devices if they wish, and gets no weak password', async () => {
    const { email, token } = await withAddress();
    const auth = proof(await confirmed('password', email));
    expect(refusal(await http.post('account/password', { new_password: 'x', auth }))).toEqual([400, 'M_WEAK_PASSWORD']);
    const body = { new_password: 'another good one', logout_devices: false, auth };
    expect((await http.post('account/password', body)).status).toBe(200);
    expect((await http.get('account/whoami', token)).status).toBe(200);
  });

  it('cannot come by an e-mail for something else, nor where no e-mails are sent', async () => {
    const { email } = await withAddress();
    const auth = proof(await confirmed('register', freshAddress()));
    const body = { new_password: 'another good one', auth };
    expect(refusal(await http.post('account/password', body))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
    const without = await deployment.start();
    expect(refusal(await without.http.post('account/password', body))).toEqual([401, 'M_MISSING_TOKEN']);
    expect((await http.post('login', byEmail(email))).status).toBe(200);
  });
});

describe('logging in by e-mail address', () => {
  it('works however it is written, and ends with the account', async () => {
    const email = `Straße-${freshName()}@Example.ORG`;
    const { userId, token } = await withAddress(email.toLowerCase().replace('ß', 'ss'));
    const { status, body } = await http.post('login', byEmail(email));
    expect([status, body.user_id]).toEqual([200, userId]);
    expect(refusal(await http.post('login', byEmail(email, 'wrong')))).toEqual([403, 'M_FORBIDDEN']);
    const { identifier: _, ...old } = { ...byEmail(email), medium: 'email', address: email };
    expect((await http.post('login', old)).body.user_id).toBe(userId);
    const auth = { ...byEmail(email), session: undefined };
    expect((await http.post('account/deactivate', { auth }, token)).body).toEqual({
      id_server_unbind_result: 'success',
    });
    expect(refusal(await http.post('login', byEmail(email)))).toEqual([403, 'M_FORBIDDEN']);
    // Somebody else may have it then.
    await withAddress(email.toLowerCase().replace('ß', 'ss'));
  });

  it.each([
    ['an address that nobody has', { medium: 'email', address: 'nobody@example.org' }, 403, 'M_FORBIDDEN'],
    ['a telephone number', { medium: 'msisdn', address: '49123' }, 403, 'M_FORBIDDEN'],
    ['what is no address', { medium: 'email', address: 'x' }, 403, 'M_FORBIDDEN'],
    ['no address', { medium: 'email' }, 400, 'M_BAD_JSON'],
    ['no medium', { address: 'x@example.org' }, 400, 'M_BAD_JSON'],
  ])('is refused by %s', async (_, id, status, errcode) => {
    const body = { ...byEmail(''), identifier: { type: 'm.id.thirdparty', ...id } };
    expect(refusal(await http.post('login', body))).toEqual([status, errcode]);
  });

  it('counts the same for an address that has an account and for one that has none', async () => {
    const { email } = await withAddress();
    const counted: string[] = [];
    const rateLimiter = {
      take: async (name: string, key: string) => {
        counted.push(`${name} ${key.split(' ').length}`);
        return { allowed: true, retryAfterMs: 0 };
      },
      giveBack: async () => {},
    };
    const replica = await start({}, {}, { rateLimiter });
    const failed = async (address: string) => {
      counted.length = 0;
      await replica.http.post('login', byEmail(address, 'wrong'));
      return [...counted];
    };
    expect(await failed(email)).toEqual(await failed(freshAddress()));
    expect(counted).toContain('login_failed 3');
  });
});

describe('adding an address', () => {
  const password = ({ userId, password: known }: { userId: string; password: string }) => passwordLogin(userId, known);

  it('needs the password and the e-mail, and happens once', async () => {
    const user = await register(http);
    const email = freshAddress();
    const body = { sid: (await ask('contact', email)).body.sid, client_secret: SECRET };
    const first = await http.post('account/3pid/add', body, user.token);
    expect([first.status, first.body.flows]).toEqual([401, [{ stages: ['m.login.password'] }]]);
    const auth = { ...password(user), session: first.body.session };
    expect(refusal(await http.post('account/3pid/add', { ...body, auth }, user.token))).toEqual([
      ...[400, 'M_THREEPID_AUTH_FAILED'],
    ]);
    await follow(email);
    expect((await http.post('account/3pid/add', { ...body, auth }, user.token)).body).toEqual({});
    expect((await http.post('account/3pid/add', { ...body, auth }, user.token)).body).toEqual({});
    expect((await http.get('account/3pid', user.token)).body.threepids).toMatchObject([
      { medium: 'email', address: email },
    ]);
    expect((await http.post('login', byEmail(email, user.password))).body.user_id).toBe(user.userId);
  });

  it('as clients did before is the same, and asks no identity server', async () => {
    const user = await register(http);
    const email = freshAddress();
    const creds = { sid: (await ask('contact', email)).body.sid, client_secret: SECRET };
    const send = (three_pid_creds: object, more: object = {}) =>
      http.post('account/3pid', { three_pid_creds, ...more }, user.token);
    // What was not confirmed here is for an identity server, which has to be named.
    expect(refusal(await send(creds))).toEqual([400, 'M_BAD_JSON']);
    const whole = { ...creds, id_server: '127.0.0.1:1', id_access_token: 'x' };
    expect(refusal(await send(whole))[0]).toBe(502);
    await follow(email);
    const theirs = await register(http);
    expect(
      refusal(await http.post('account/3pid', { three_pid_creds: { ...creds, client_secret: 'x' } }, theirs.token)),
    ).toEqual([400, 'M_BAD_JSON']);
    const first = await send(whole);
    expect([first.status, first.body.flows]).toEqual([401, [{ stages: ['m.login.password'] }]]);
    const auth = { ...password(user), session: first.body.session };
    const [one, two] = [await send(whole, { auth }), await send(whole, { auth })];
    expect([one.status, one.body, two.status, two.body]).toEqual([200, {}, 200, {}]);
    expect((await http.get('account/3pid', user.token)).body.threepids).toMatchObject([{ address: email }]);
  });

  it('to an account that ends meanwhile leaves it for others', async () => {
    const user = await register(http);
    const email = freshAddress();
    const body = { sid: await confirmed('contact', email), client_secret: SECRET, auth: password(user) };
    const [added] = await Promise.all([
      http.post('account/3pid/add', body, user.token),
      http.post('account/deactivate', { auth: password(user) }, user.token),
    ]);
    expect([200, 400, 401]).toContain(added.status);
    const text = 'SELECT FROM user_server.third_party_ids WHERE address = $1';
    expect((await instance.db.query({ text, values: [email] })).rowCount).toBe(0);
  });

  it('of somebody else is refused, and it can be given up', async () => {
    const { email, token } = await withAddress();
    const user = await register(http);
    const thief = { sid: '', client_secret: SECRET, auth: password(user) };
    const other = freshAddress();
    const sid = await confirmed('contact', other);
    const owner = await register(http);
    const taken = { sid, client_secret: SECRET, auth: password(owner) };
    expect((await http.post('account/3pid/add', taken, owner.token)).status).toBe(200);
    expect(refusal(await http.post('account/3pid/add', { ...thief, sid }, user.token))).toEqual([
      ...[400, 'M_THREEPID_AUTH_FAILED'],
    ]);
    const remove = { medium: 'email', address: email.toUpperCase() };
    expect((await http.post('account/3pid/delete', remove, user.token)).body).toEqual({
      id_server_unbind_result: 'no-support',
    });
    expect((await http.get('account/3pid', token)).body.threepids).toHaveLength(1);
    expect((await http.post('account/3pid/delete', remove, token)).status).toBe(200);
    expect((await http.get('account/3pid', token)).body).toEqual({ threepids: [] });
    expect(refusal(await http.post('login', byEmail(email)))).toEqual([403, 'M_FORBIDDEN']);
  });
});
