import { freshName } from './support/http-client.js';
import {
  ask,
  follow,
  freshAddress,
  http,
  instance,
  mailServer,
  PASSWORD,
  proof,
  refusal,
  SECRET,
  start,
  withAddress,
  withMail,
} from './support/mail.js';

withMail();

const pathOf = ({ pathname, search }: URL) => `${pathname.replace('/here', '')}${search}`;
const whois = async (token: string) => (await http.get('account/whoami', token)).body.user_id as string;

describe('the link in an e-mail', () => {
  it('for another password does nothing until somebody says that they mean it: mail servers look at links', async () => {
    const { email } = await withAddress();
    const sent = mailServer.mails.filter(({ to }) => to.includes(email)).length;
    const { sid } = (await ask('password', email)).body;
    const path = pathOf(await mailServer.linkTo(email, sent));
    const page = await fetch(`${instance.url}${path}`, { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('<form method="post">');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    // Browsers hold it against the redirect to the client, too.
    expect(policy).not.toContain('form-action');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    const request = { auth: proof(sid), new_password: 'another good one' };
    expect(refusal(await http.post('account/password', request))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
    const form = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html,*/*' };
    const done = await fetch(`${instance.url}${path}`, { method: 'POST', headers: form, redirect: 'manual' });
    expect([done.status, await done.text()]).toEqual([200, expect.stringContaining('is confirmed')]);
    expect((await http.post('account/password', request)).status).toBe(200);
  });

  it.each(['text/html', '*/*'])('for an account confirms its address by being followed, as %s', async (accept) => {
    const email = freshAddress();
    const { sid } = (await ask('register', email)).body;
    const path = pathOf(await mailServer.linkTo(email));
    const request = { auth: proof(sid), username: freshName(), password: PASSWORD };
    await fetch(`${instance.url}${path}`, { method: 'HEAD', headers: { accept } });
    expect(refusal(await http.post('register', request))).toEqual([401, 'M_THREEPID_AUTH_FAILED']);
    const page = await fetch(`${instance.url}${path}`, { headers: { accept } });
    const shown = accept === 'text/html' ? expect.stringContaining('is confirmed') : '{"success":true}';
    expect([page.status, await page.text()]).toEqual([200, shown]);
    expect((await http.post('register', request)).status).toBe(200);
    const over = await fetch(`${instance.url}${path}`, { headers: { accept } });
    expect(over.status).toBe(404);
  });

  it('for another address confirms it by being followed', async () => {
    const { token } = await withAddress();
    const email = freshAddress();
    const { sid } = (await ask('contact', email)).body;
    await fetch(`${instance.url}${pathOf(await mailServer.linkTo(email))}`);
    const user = await whois(token);
    const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password: PASSWORD };
    const added = await http.post('account/3pid/add', { sid, client_secret: SECRET, auth }, token);
    expect([added.status, added.body]).toEqual([200, {}]);
  });

  it('leads back to where the operator lets people be sent, and nowhere else', async () => {
    const replica = await start({ next_link_hosts: ['app.one.test', 'localhost:8080'] });
    const from = async (next_link: string) => {
      const email = freshAddress();
      await ask('register', email, { next_link }, replica.http);
      const path = pathOf(await mailServer.linkTo(email));
      const headers = { accept: 'text/html' };
      const ways = ['POST', 'GET'].map((method) =>
        fetch(`${replica.url}${path}`, { method, headers, redirect: 'manual' }),
      );
      const [pressed, followed] = await Promise.all(ways);
      expect(followed!.headers.get('location')).toBe(pressed!.headers.get('location'));
      return [followed!.status, followed!.headers.get('location')];
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
