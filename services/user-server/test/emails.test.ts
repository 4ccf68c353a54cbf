import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, eventually, MailServer } from '@ganglion/testing';
import { Deployment, type Instance, type InstanceOptions, LISTENING } from './support/deployment.js';
import { FewUses } from './support/few-uses.js';
import { type Answer, freshName, type HttpClient, passwordLogin, register } from './support/http-client.js';

const PASSWORD = 'a good password';
const SECRET = 'only.known_to-the=client';
const EMAIL = 'm.login.email.identity';

let deployment: Deployment;
let mailServer: MailServer;
let instance: Instance;
let http: HttpClient;
beforeAll(async () => {
  deployment = await Deployment.create();
  mailServer = await MailServer.start();
  instance = await start();
  ({ http } = instance);
});
afterAll(async () => {
  await deployment.close();
  await mailServer.close();
});

const base = (port: number) => ({
  smtp: { host: '127.0.0.1', port, tls: 'none' as const },
  from: 'Ganglion <noreply@one.test>',
});

/** A replica that sends e-mails. */
function start(email: object = {}, more: InstanceOptions['config'] = {}, others: InstanceOptions = {}) {
  return deployment.start({
    ...others,
    config: {
      email: { ...base(mailServer.port), ...email },
      http: { ...LISTENING, public_base_url: 'https://matrix.one.test/here/' },
      ...more,
    },
  });
}

const freshAddress = () => `${freshName('mail')}@example.org`;
const refusal = ({ status, body }: Answer) => [status, body.errcode];
const where = { register: 'register', password: 'account/password', contact: 'account/3pid' };
type Purpose = keyof typeof where;

const ask = (purpose: Purpose, email: string, more: object = {}, at = http) =>
  at.post(`${where[purpose]}/email/requestToken`, { email, client_secret: SECRET, send_attempt: 1, ...more });

/** Follows the link in the next e-mail to an address, as a person does. */
async function follow(email: string, after = 0, at = http): Promise<Answer> {
  const { pathname, search } = await mailServer.linkTo(email, after);
  return at.call('POST', `${pathname.replace('/here', '')}${search}`, {});
}

/** A session whose link has been followed. */
async function confirmed(purpose: Purpose, email: string, at = http): Promise<string> {
  const before = mailServer.mails.filter(({ to }) => to.includes(email)).length;
  const { status, body } = await ask(purpose, email, { send_attempt: Date.now() }, at);
  if (status !== 200) throw new Error(JSON.stringify(body));
  const followed = await follow(email, before, at);
  expect([followed.status, followed.body]).toEqual([200, { success: true }]);
  return body.sid;
}

const proof = (sid: string, more: object = {}) => ({
  type: EMAIL,
  threepid_creds: { sid, client_secret: SECRET, ...more },
});

/** Somebody with an account and an e-mail address. */
async function withAddress(email = freshAddress()) {
  const auth = proof(await confirmed('register', email));
  const { status, body } = await http.post('register', { auth, username: freshName(), password: PASSWORD });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return { email, userId: body.user_id as string, token: body.access_token as string };
}

const byEmail = (address: string, password = PASSWORD) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.thirdparty', medium: 'email', address },
  password,
});

describe('an e-mail', () => {
  it('has a link that leads to us from outside, and says the same as text and as a page', async () => {
    const email = freshAddress();
    expect((await ask('register', email)).body).toEqual({ sid: expect.stringMatching(/^[\w-]{20,}$/) });
    const { text, from } = await mailServer.mailTo(email);
    expect(from).toBe('noreply@one.test');
    expect(text).toMatch(/^Subject: Confirm your e-mail address for one\.test$/m);
    expect(text).toContain('<a href="https://matrix.one.test/here/_ganglion/client/email/confirm?sid=');
    expect((await mailServer.linkTo(email)).href).toContain(
      'https://matrix.one.test/here/_ganglion/client/email/confirm',
    );
  });

  it('is sent once for each attempt, however often and wherever that is asked for', async () => {
    const email = freshAddress();
    const other = await start();
    const asks = Array.from({ length: 6 }, (_, i) => ask('register', email, {}, i % 2 === 0 ? http : other.http));
    const sids = (await Promise.all(asks)).map(({ body }) => body.sid);
    expect(new Set(sids).size).toBe(1);
    await mailServer.mailTo(email);
    await ask('register', email, { send_attempt: 2 });
    await mailServer.mailTo(email, 1);
    await ask('register', email, { send_attempt: 1 });
    await ask('register', email, { send_attempt: 3 });
    await mailServer.mailTo(email, 2);
    expect(mailServer.mails.filter(({ to }) => to.includes(email))).toHaveLength(3);
    // The link in any of them will do.
    expect((await follow(email, 0)).status).toBe(200);
  });

  it('reaches its owner although somebody elsewhere asks for many, and the same request counts once', async () => {
    const rateLimiter = new FewUses({ emails_per_recipient_from_network: 3 });
    const behindProxy = { ...LISTENING, public_base_url: 'https://one.test', trusted_proxies: ['127.0.0.1'] };
    const replica = await start({}, { http: behindProxy }, { rateLimiter });
    const email = freshAddress();
    const from = async (address: string, more: object = {}) => {
      const body = { email, client_secret: SECRET, send_attempt: 1, ...more };
      const headers = { 'x-forwarded-for': address };
      return (await replica.http.call('POST', 'account/password/email/requestToken', { body, headers })).status;
    };
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push(await from('192.0.2.7', { client_secret: `guess.${i}` }));
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    for (let i = 0; i < 5; i++) expect(await from('198.51.100.7')).toBe(200);
    expect(rateLimiter.used.get(`emails_per_recipient ${email}`)).toBe(4);
  });

  it('goes to one address, whatever is written for it', async () => {
    for (const email of [
      'a@b@example.org',
      'a@example.org,b@example.org',
      'A <a@example.org>',
      'a',
      '',
      'a\n@example.org',
      'x@y z',
    ]) {
      expect([email, ...refusal(await ask('register', email))]).toEqual([email, 400, 'M_INVALID_PARAM']);
    }
    expect(refusal(await ask('register', `${'x'.repeat(250)}@example.org`))).toEqual([400, 'M_INVALID_PARAM']);
  });

  it.each([
    ['a secret of other letters', { client_secret: 'a b' }],
    ['no secret', { client_secret: '' }],
    ['an attempt below none', { send_attempt: -1 }],
    ['an attempt that is no number', { send_attempt: '1' }],
    ['a link without end', { next_link: `https://x.test/${'x'.repeat(3_000)}` }],
  ])('is not sent for a request with %s', async (_, more) => {
    expect(refusal(await ask('register', freshAddress(), more))).toEqual([400, 'M_BAD_JSON']);
  });

  it('is tried again while the mail server is away, and by another replica when ours has gone', async () => {
    const apart = await Deployment.create();
    const startApart = (port: number) =>
      apart.start({ config: { email: base(port), http: { ...LISTENING, public_base_url: 'https://one.test' } } });
    const away = await startApart(1);
    const email = freshAddress();
    expect((await ask('register', email, {}, away.http)).status).toBe(200);
    await eventually(async () => {
      const text = 'SELECT attempts > 0 AS tried FROM user_server.letters WHERE recipient = $1';
      expect((await away.db.query({ text, values: [email] })).rows).toEqual([{ tried: true }]);
    });
    await away.stop();
    await startApart(mailServer.port);
    await mailServer.mailTo(email);
    await apart.close();
  });

  it('is given up when the mail server knows nobody of that name', async () => {
    const strict = await MailServer.start();
    strict.refusal = { code: 550, message: 'no such mailbox' };
    const apart = await Deployment.create();
    const replica = await apart.start({
      config: { email: base(strict.port), http: { ...LISTENING, public_base_url: 'https://one.test' } },
    });
    const email = freshAddress();
    expect((await ask('register', email, {}, replica.http)).status).toBe(200);
    const left = async () => (await replica.db.query({ text: 'SELECT attempts FROM user_server.letters' })).rows;
    await eventually(async () => expect(await left()).toEqual([]));
    strict.refusal = { code: 450, message: 'come back later' };
    await ask('register', email, { send_attempt: 2 }, replica.http);
    await eventually(async () => expect(await left()).toEqual([{ attempts: 1 }]));
    strict.refusal = undefined;
    await strict.mailTo(email);
    await apart.close();
    await strict.close();
  });

  it('says what the operator has written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ganglion-templates-'));
    writeFileSync(
      join(folder, 'reset-password.txt'),
      'Subject: {{server}} & you\n\nHello {{address}} {{unknown}}\n{{link}}\n',
    );
    writeFileSync(join(folder, 'reset-password.html'), '<p>{{address}}</p><a href="{{link}}">go</a>');
    const replica = await start({ templates_dir: folder });
    const { email } = await withAddress(`o'neill&co-${freshName()}@example.org`);
    await ask('password', email, {}, replica.http);
    const { text } = await mailServer.mailTo(email, 1);
    expect(text).toMatch(/^Subject: one\.test & you$/m);
    expect(text).toContain(`Hello ${email} {{unknown}}\nhttps://matrix.one.test/`);
    expect(text).toContain('<p>o&#39;neill&#38;co-');
    rmSync(folder, { recursive: true });
  });
});

describe.each([
  ['starttls', false],
  ['tls', true],
] as const)('a mail server that is reached by %s', (tls, secure) => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await Authority.create('mail');
  });
  afterAll(() => authority.end());

  it('gets e-mails encrypted, from who has logged in, and none when it is not the one we know', async () => {
    const certificate = await authority.issue('127.0.0.1');
    const login = { username: 'ganglion', password: 'mail secret' };
    const server = await MailServer.start({ certificate, secure, login });
    const apart = await Deployment.create();
    const smtp = { host: '127.0.0.1', port: server.port, tls, ca_file: certificate.ca, ...login };
    const config = (changes: object) => ({
      email: { ...base(0), smtp: { ...smtp, ...changes } },
      http: { ...LISTENING, public_base_url: 'https://one.test' },
    });
    const stranger = await apart.start({
      config: config({ ca_file: (await (await Authority.create('x')).issue('y')).ca }),
    });
    const email = freshAddress();
    await ask('register', email, {}, stranger.http);
    const text = 'SELECT attempts FROM user_server.letters WHERE due_at > now()';
    await eventually(async () => expect((await stranger.db.query({ text })).rows).toHaveLength(1));
    expect(server.mails).toEqual([]);
    await stranger.stop();
    const friend = await apart.start({ config: config({}) });
    await friend.db.query({ text: 'UPDATE user_server.letters SET due_at = now()' });
    expect(await server.mailTo(email)).toMatchObject({ secure: true, user: 'ganglion' });
    await apart.close();
    await server.close();
  });
});

it('a mail server that does not encrypt gets nothing when it should', async () => {
  const apart = await Deployment.create();
  const plain = await MailServer.start();
  const smtp = { host: '127.0.0.1', port: plain.port };
  const http = { ...LISTENING, public_base_url: 'https://one.test' };
  const replica = await apart.start({ config: { email: { ...base(0), smtp }, http } });
  await ask('register', freshAddress(), {}, replica.http);
  const text = 'SELECT attempts FROM user_server.letters WHERE attempts > 0 AND due_at > now()';
  await eventually(async () => expect((await replica.db.query({ text })).rows).toHaveLength(1));
  expect(plain.mails).toEqual([]);
  await apart.close();
  await plain.close();
});

describe('the link in an e-mail', () => {
  it('does nothing until somebody says that they mean it: mail servers look at links', async () => {
    const email = freshAddress();
    const { sid } = (await ask('register', email)).body;
    const { pathname, search } = await mailServer.linkTo(email);
    const path = `${pathname.replace('/here', '')}${search}`;
    const page = await fetch(`${instance.url}${path}`, { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('<form method="post">');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    const request = { auth: proof(sid), username: freshName(), password: PASSWORD };
    expect(refusal(await http.post('register', request))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
    const form = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html,*/*' };
    const done = await fetch(`${instance.url}${path}`, { method: 'POST', headers: form, redirect: 'manual' });
    expect([done.status, await done.text()]).toEqual([200, expect.stringContaining('is confirmed')]);
    expect((await http.post('register', request)).status).toBe(200);
  });

  it('leads back to where the operator lets people be sent, and nowhere else', async () => {
    const replica = await start({ next_link_hosts: ['app.one.test', 'localhost:8080'] });
    const from = async (next_link: string) => {
      const email = freshAddress();
      await ask('register', email, { next_link }, replica.http);
      const { pathname, search } = await mailServer.linkTo(email);
      const path = `${pathname.replace('/here', '')}${search}`;
      const headers = { accept: 'text/html' };
      const answer = await fetch(`${replica.url}${path}`, { method: 'POST', headers, redirect: 'manual' });
      return [answer.status, answer.headers.get('location')];
    };
    const allowed = 'https://app.one.test/#/register?x=1';
    expect(await from(allowed)).toEqual([303, allowed]);
    expect(await from('http://localhost:8080/')).toEqual([303, 'http://localhost:8080/']);
    for (const other of [
      ...[
        'https://evil.test/',
        'javascript:alert(1)//app.one.test',
        'https://app.one.test@evil.test/',
        '//evil.test',
        'x',
      ],
      ...['https://evil.test\\@app.one.test/', 'data:text/html,app.one.test', 'http://localhost:8081/'],
    ])
      expect([other, ...(await from(other))]).toEqual([other, 200, null]);
  });

  it('is of no use to who guesses, nor when its time is over', async () => {
    const email = freshAddress();
    const { sid } = (await ask('register', email)).body;
    const path = '/_ganglion/client/email/confirm';
    for (const token of ['x', `get_${'A'.repeat(43)}`]) {
      expect(refusal(await http.post(`${path}?sid=${sid}&token=${token}`, {}))).toEqual([404, 'M_NOT_FOUND']);
    }
    expect(refusal(await http.post(`${path}?sid=${sid}`, {}))).toEqual([400, 'M_MISSING_PARAM']);
    expect(refusal(await http.get(`${path}?sid=${sid}&token=%3Cscript%3E`))).toEqual([400, 'M_INVALID_PARAM']);
    const text = "UPDATE user_server.email_sessions SET expires_at = now() - interval '1 second' WHERE session_id = $1";
    await instance.db.query({ text, values: [sid] });
    expect(refusal(await follow(email))).toEqual([404, 'M_NOT_FOUND']);
    const again = await ask('register', email);
    expect([again.status, again.body.sid === sid]).toEqual([200, false]);
    expect((await follow(email, 1)).status).toBe(200);
  });
});

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

describe('who has an account', () => {
  it('is told to nobody but the owner of the address', async () => {
    const { email } = await withAddress();
    const nobody = freshAddress();
    for (const purpose of ['register', 'contact', 'password'] as const) {
      const answers = [await ask(purpose, email), await ask(purpose, nobody)];
      for (const { status, body } of answers) {
        expect([status, body]).toEqual([200, { sid: expect.stringMatching(/^[\w-]{22}$/) }]);
      }
      // As with an account, the same request gets the same answer.
      expect((await ask(purpose, nobody)).body).toEqual(answers[1]!.body);
    }
    await eventually(() => {
      const subjects = mailServer.mails
        .filter(({ to }) => to.includes(email))
        .map(({ text }) => /^Subject: (.*)$/m.exec(text)?.[1]);
      expect(subjects.filter((subject) => subject === 'You have an account on one.test already')).toHaveLength(2);
      expect(subjects).toContain('A new password for your account on one.test');
    });
    const toNobody = mailServer.mails.filter(({ to }) => to.includes(nobody));
    expect(toNobody.filter(({ text }) => text.includes('A new password'))).toEqual([]);
  });

  it('is told at once where the operator prefers that', async () => {
    const open = await start({ reveal_accounts: true });
    const { email } = await withAddress();
    expect(refusal(await ask('register', email.toUpperCase(), {}, open.http))).toEqual([400, 'M_THREEPID_IN_USE']);
    expect(refusal(await ask('contact', email, {}, open.http))).toEqual([400, 'M_THREEPID_IN_USE']);
    expect(refusal(await ask('password', freshAddress(), {}, open.http))).toEqual([400, 'M_THREEPID_NOT_FOUND']);
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

it.each(['register', 'account/password', 'account/3pid'])('no messages are sent to telephones for %s', async (path) => {
  const body = { client_secret: SECRET, country: 'DE', phone_number: '0123', send_attempt: 1 };
  expect(refusal(await http.post(`${path}/msisdn/requestToken`, body))).toEqual([
    400,
    'M_THREEPID_MEDIUM_NOT_SUPPORTED',
  ]);
  expect(refusal(await http.post(`${path}/msisdn/requestToken`, {}))).toEqual([400, 'M_BAD_JSON']);
});
