import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { registerAdmin } from './support/admin.js';
import { Deployment, type Instance } from './support/deployment.js';
import { freshName, register } from './support/http-client.js';

const PASSWORD = 'a good password';
const TOKEN = 'm.login.registration_token';
const TERMS = 'm.login.terms';
const OPEN = { enabled: true, allow_guests: true, shared_secret: 'test-shared-secret' };
const terms = [
  ...[
    { policy: 'privacy', version: '1', language: 'en', name: 'Privacy <&> "you"', url: 'https://one.test/?a=1&b="2"' },
  ],
  ...[{ policy: 'privacy', version: '1', language: 'de', name: 'Datenschutz', url: 'https://one.test/de' }],
];

let deployment: Deployment;
let open: Instance;
let strict: [Instance, Instance];
beforeAll(async () => {
  deployment = await Deployment.create();
  open = await deployment.start();
  const config = { registration: { ...OPEN, requires_token: true, terms } };
  strict = [await deployment.start({ config }), await deployment.start({ config })];
});
afterAll(() => deployment.close());

const path = (type: string, session: string) => `/_matrix/client/v3/auth/${type}/fallback/web?session=${session}`;

/** A page as a browser gets it; with what somebody has typed when it is sent. */
async function browse({ url }: Instance, target: string, typed?: Record<string, string>) {
  const body = typed && new URLSearchParams(typed);
  const answer = await fetch(`${url}${target}`, {
    headers: { accept: 'text/html' },
    ...(body && { method: 'POST', body }),
  });
  return { status: answer.status, headers: answer.headers, page: await answer.text() };
}

/** What a page tells the window that it runs in. Only scripts that its policy names run. */
function toldBy({ page, headers }: Awaited<ReturnType<typeof browse>>, window: object): void {
  for (const [, script = ''] of page.matchAll(/<script>(.*?)<\/script>/gs)) {
    const hash = createHash('sha256').update(script).digest('base64');
    expect(headers.get('content-security-policy')).toContain(`script-src 'sha256-${hash}'`);
    runInNewContext(script, { window });
  }
}

it('people pass the steps of a registration on pages, at any replica, and their client goes on', async () => {
  const [one, two] = strict;
  const admin = await registerAdmin(one.http);
  const { body: made } = await one.http.post('/_synapse/admin/v1/registration_tokens/new', {}, admin.token);
  const request = { username: freshName(), password: PASSWORD };
  const { session } = (await one.http.post('register', request)).body;

  const early = await browse(one, path(TERMS, session), {});
  expect([early.status, early.page]).toEqual([400, expect.stringContaining('not what comes next')]);
  const form = await browse(two, path(TOKEN, session));
  expect([form.status, form.page]).toEqual([200, expect.stringContaining('name="token"')]);
  expect(form.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(form.page).not.toContain('<script');
  const wrong = await browse(two, path(TOKEN, session), { token: '<b>wrong' });
  expect([wrong.status, wrong.page]).toEqual([401, expect.stringContaining('role="alert"')]);
  expect(wrong.page).not.toContain('<b>');

  const told: unknown[] = [];
  const right = await browse(two, path(TOKEN, session), { token: made.token });
  toldBy(right, { onAuthDone: () => told.push('done') });
  const documents = await browse(one, path(TERMS, session));
  expect(documents.page).toContain('href="https://one.test/?a=1&amp;b=&quot;2&quot;"');
  expect(documents.page).toContain('Privacy &lt;&amp;&gt; &quot;you&quot;');
  expect(documents.page).toContain('Datenschutz');
  const agreed = await browse(one, path(TERMS, session), {});
  toldBy(agreed, { opener: { postMessage: (...message: unknown[]) => told.push(message) } });
  expect([right.status, agreed.status, told]).toEqual([200, 200, ['done', ['authDone', '*']]]);
  // Who looks again, or sends again what is done, is told once more.
  for (const again of [await browse(two, path(TERMS, session)), await browse(two, path(TOKEN, session), {})]) {
    toldBy(again, { onAuthDone: () => told.push('again') });
  }
  expect(told.slice(2)).toEqual(['again', 'again']);

  const registered = await two.http.post('register', { ...request, auth: { session } });
  expect([registered.status, registered.body.user_id]).toEqual([200, `@${request.username}:one.test`]);
});

it('the password on a page is that of who asked, and nobody else’s', async () => {
  const user = await register(open.http);
  const other = await register(open.http);
  const { session } = (await open.http.post('delete_devices', { devices: ['GONE'] }, user.token)).body;
  const target = path('m.login.password', session);
  expect((await browse(open, target)).page).toContain('type="password"');
  for (const typed of [{ password: other.password }, { password: other.password, user: other.userId }]) {
    expect((await browse(open, target, typed)).status).toBe(401);
  }
  expect((await browse(open, target, {})).status).toBe(400);
  expect((await open.http.post('delete_devices', { auth: { session } }, user.token)).status).toBe(401);
  expect((await browse(open, target, { password: user.password })).status).toBe(200);
  expect((await open.http.post('delete_devices', { auth: { session } }, other.token)).status).toBe(403);
  expect((await open.http.post('delete_devices', { auth: { session } }, user.token)).status).toBe(200);
});

it('who says on a page that they want an account gets one', async () => {
  const request = { username: freshName(), password: PASSWORD };
  const { session } = (await open.http.post('register', request)).body;
  expect((await browse(open, path('m.login.dummy', session))).page).toContain('<form method="post">');
  expect((await browse(open, path('m.login.dummy', session), {})).status).toBe(200);
  expect((await open.http.post('register', { auth: { session } })).status).toBe(200);
});

it('pages of steps or sessions that there are not say so', async () => {
  const { session } = (await open.http.post('register', { username: freshName(), password: PASSWORD })).body;
  for (const [type, id, status] of [
    ['m.login.dummy', 'never-begun', 404],
    ['m.login.unheard-of', session, 400],
    ['m.login.password', session, 400],
    ['%3Cscript%3E', session, 400],
    ['constructor', session, 400],
  ] as const) {
    for (const typed of [undefined, {}]) {
      const answer = await browse(open, path(type, id), typed);
      expect([type, answer.status, answer.headers.get('content-type')]).toEqual([
        type,
        status,
        'text/html; charset=utf-8',
      ]);
      expect(answer.page).not.toContain('<script');
    }
  }
  expect((await browse(open, path('m.login.dummy', session).split('?')[0]!)).status).toBe(400);
  const { status, body } = await open.http.get(path('m.login.dummy', 'never-begun'));
  expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
});

it('the page to log in on hands the session to the client that shows it', async () => {
  const user = await register(open.http);
  const answer = await browse(open, '/_matrix/static/client/login/');
  expect(answer.status).toBe(200);
  const script = /<script>(.*?)<\/script>/s.exec(answer.page)?.[1] ?? '';
  const hash = createHash('sha256').update(script).digest('base64');
  expect(answer.headers.get('content-security-policy')).toContain(`script-src 'sha256-${hash}'`);

  const elements = { user: { value: user.userId }, password: { value: 'wrong' }, submit: { disabled: false } };
  const said = { textContent: '' };
  let submit: (event: object) => Promise<void> = async () => {};
  const form = {
    elements,
    hidden: false,
    addEventListener: (_: string, listener: typeof submit) => (submit = listener),
  };
  const sessions: { user_id: string; device_id: string; access_token: string }[] = [];
  runInNewContext(script, {
    URLSearchParams,
    document: { querySelector: () => form, getElementById: () => said },
    location: { search: '?device_id=TV', pathname: '/_matrix/static/client/login/' },
    window: { matrixLogin: { onLogin: (session: never) => sessions.push(session) } },
    fetch: (target: string, init: object) => fetch(`${open.url}${target}`, init),
  });
  await submit({ preventDefault: () => {} });
  expect([said.textContent, sessions]).toEqual([expect.stringMatching(/./), []]);
  elements.password.value = user.password;
  await submit({ preventDefault: () => {} });
  expect(sessions).toMatchObject([{ user_id: user.userId, device_id: 'TV' }]);
  expect((await open.http.get('account/whoami', sessions[0]?.access_token)).body.device_id).toBe('TV');
});
