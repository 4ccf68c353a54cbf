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
  start,
  withMail,
} from './support/mail.js';

withMail();

describe('the link in an e-mail', () => {
  it('does nothing until somebody says that they mean it: mail servers look at links', async () => {
    const email = freshAddress();
    const { sid } = (await ask('register', email)).body;
    const { pathname, search } = await mailServer.linkTo(email);
    const path = `${pathname.replace('/here', '')}${search}`;
    const page = await fetch(`${instance.url}${path}`, { headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('<form method="post">');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    // Browsers hold it against the redirect to the client, too.
    expect(policy).not.toContain('form-action');
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
