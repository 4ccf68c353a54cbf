import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, MailServer } from '@ganglion/testing';
import { Deployment, LISTENING } from './support/deployment.js';
import { FewUses } from './support/few-uses.js';
import { freshName } from './support/http-client.js';
import {
  ask,
  base,
  follow,
  freshAddress,
  http,
  mailServer,
  refusal,
  SECRET,
  start,
  withAddress,
  withMail,
} from './support/mail.js';

withMail();

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

it.each(['register', 'account/password', 'account/3pid'])('no messages are sent to telephones for %s', async (path) => {
  const body = { client_secret: SECRET, country: 'DE', phone_number: '0123', send_attempt: 1 };
  expect(refusal(await http.post(`${path}/msisdn/requestToken`, body))).toEqual([
    400,
    'M_THREEPID_MEDIUM_NOT_SUPPORTED',
  ]);
  expect(refusal(await http.post(`${path}/msisdn/requestToken`, {}))).toEqual([400, 'M_BAD_JSON']);
});
