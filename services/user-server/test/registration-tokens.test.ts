import { registerAdmin } from './support/admin.js';
import { Deployment, type Instance } from './support/deployment.js';
import { type Answer, freshName, type HttpClient, type TestUser } from './support/http-client.js';

const ADMIN = '/_synapse/admin/v1/registration_tokens';
const VALIDITY = '/_matrix/client/v1/register/m.login.registration_token/validity';
const PASSWORD = 'a good password';
const TYPE = 'm.login.registration_token';

let deployment: Deployment;
let instance: Instance;
let http: HttpClient;
let admin: TestUser;
beforeAll(async () => {
  deployment = await Deployment.create();
  instance = await deployment.start({ config: { registration: { ...OPEN, requires_token: true } } });
  ({ http } = instance);
  admin = await registerAdmin(http);
});
afterAll(() => deployment.close());

const OPEN = { enabled: true, allow_guests: true, shared_secret: 'test-shared-secret' };
const refusal = ({ status, body }: Answer) => [status, body.errcode];
const make = async (body: object = {}) => (await http.post(`${ADMIN}/new`, body, admin.token)).body.token as string;
const isValid = async (token: string) => (await http.get(`${VALIDITY}?token=${token}`)).body.valid;
const register = (token: string, more: object = {}) =>
  http.post('register', { username: freshName(), password: PASSWORD, auth: { type: TYPE, token }, ...more });

describe('a registration token', () => {
  it('is what people need to get an account, and nothing else will do', async () => {
    const { status, body } = await http.post('register', { username: freshName(), password: PASSWORD });
    expect([status, body.flows]).toEqual([401, [{ stages: [TYPE] }]]);
    const dummy = await register('', { auth: { type: 'm.login.dummy' } });
    expect(refusal(dummy)).toEqual([401, 'M_FORBIDDEN']);
    expect(refusal(await register('never-given'))).toEqual([401, 'M_FORBIDDEN']);
    expect(refusal(await register('', { auth: { type: TYPE } }))).toEqual([400, 'M_BAD_JSON']);
    expect((await register(await make())).status).toBe(200);
  });

  it('is good for so many accounts and no more, however many ask at once', async () => {
    const token = await make({ uses_allowed: 2 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => register(token)));
    const statuses = answers.map(({ status }) => status).filter((status) => status === 200);
    expect(statuses).toHaveLength(2);
    for (const answer of answers) if (answer.status !== 200) expect(answer.body.errcode).toBe('M_FORBIDDEN');
    expect(await isValid(token)).toBe(false);
    const { body } = await http.get(`${ADMIN}/${token}`, admin.token);
    expect(body).toEqual({ token, uses_allowed: 2, pending: 0, completed: 2, expiry_time: null });
  });

  it('is used by who gets the account, not by who fails after it', async () => {
    const token = await make({ uses_allowed: 1 });
    const username = freshName();
    const { session } = (await http.post('register', { username, password: PASSWORD })).body;
    const auth = { type: TYPE, token, session };
    expect(refusal(await http.post('register', { username: 'Ω', password: PASSWORD, auth }))).toEqual([
      ...[403, 'M_FORBIDDEN'],
    ]);
    expect(await isValid(token)).toBe(true);
    expect((await http.post('register', { username, password: PASSWORD, auth })).status).toBe(200);
    expect(await isValid(token)).toBe(false);
    // The answer may have been lost.
    expect((await http.post('register', { username, password: PASSWORD, auth })).status).toBe(200);
  });

  it('ends with its time', async () => {
    const [over, soon] = [
      await make({ expiry_time: Date.now() - 1_000 }),
      await make({ expiry_time: Date.now() + 60_000 }),
    ];
    expect([await isValid(over), await isValid(soon), await isValid('never-given')]).toEqual([false, true, false]);
    expect(refusal(await register(over))).toEqual([401, 'M_FORBIDDEN']);
    await http.put(`${ADMIN}/${over}`, { expiry_time: null }, admin.token);
    expect((await register(over)).status).toBe(200);
  });

  it('lets a guest become a user', async () => {
    const { body: guest } = await http.post('register?kind=guest', {});
    const username = guest.user_id.slice(1, guest.user_id.indexOf(':'));
    const request = { username, guest_access_token: guest.access_token };
    expect((await register('never-given', request)).status).toBe(401);
    const token = await make({ uses_allowed: 1 });
    expect((await register(token, request)).status).toBe(200);
    expect(await isValid(token)).toBe(false);
  });
});

describe('administrators', () => {
  it('make, list, change and delete tokens', async () => {
    const token = await make({ token: 'a.name~of-ours', uses_allowed: 5, expiry_time: 9_000_000_000_000 });
    expect(token).toBe('a.name~of-ours');
    const changed = await http.put(`${ADMIN}/${token}`, { uses_allowed: null }, admin.token);
    expect(changed.body).toMatchObject({ uses_allowed: null, expiry_time: 9_000_000_000_000 });
    const { body } = await http.get(ADMIN, admin.token);
    expect(body.registration_tokens).toContainEqual(changed.body);
    expect((await http.delete(`${ADMIN}/${token}`, admin.token)).status).toBe(200);
    for (const answer of [
      await http.get(`${ADMIN}/${token}`, admin.token),
      await http.put(`${ADMIN}/${token}`, {}, admin.token),
      await http.delete(`${ADMIN}/${token}`, admin.token),
    ])
      expect(refusal(answer)).toEqual([404, 'M_NOT_FOUND']);
  });

  it.each([
    ['a name that there can be none of', { token: 'with space' }, 400, 'M_INVALID_PARAM'],
    ['a name that is too long', { token: 'x'.repeat(65) }, 400, 'M_INVALID_PARAM'],
    ['uses below none', { uses_allowed: -1 }, 400, 'M_BAD_JSON'],
    ['a time beyond all times', { expiry_time: 2 ** 53 - 1 }, 400, 'M_BAD_JSON'],
  ])('are refused %s', async (_, body, status, errcode) => {
    expect(refusal(await http.post(`${ADMIN}/new`, body, admin.token))).toEqual([status, errcode]);
  });

  it('cannot make a token twice', async () => {
    const token = await make();
    expect(refusal(await http.post(`${ADMIN}/new`, { token }, admin.token))).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('are the only ones', async () => {
    const { body } = await register(await make());
    for (const answer of [
      await http.get(ADMIN, body.access_token),
      await http.post(`${ADMIN}/new`, {}, body.access_token),
      await http.put(`${ADMIN}/x`, {}, body.access_token),
      await http.delete(`${ADMIN}/x`, body.access_token),
      await http.get(`${ADMIN}/x`, body.access_token),
    ])
      expect(refusal(answer)).toEqual([403, 'M_FORBIDDEN']);
  });
});

it('nobody is told of tokens where nobody may register', async () => {
  const closed = await deployment.start({
    config: { registration: { ...OPEN, enabled: false, requires_token: true } },
  });
  expect(refusal(await closed.http.get(`${VALIDITY}?token=x`))).toEqual([403, 'M_FORBIDDEN']);
  expect(refusal(await closed.http.get(VALIDITY))).toEqual([400, 'M_MISSING_PARAM']);
});

describe('terms', () => {
  const document = (policy: string, language: string, name: string) => ({
    ...{ policy, version: '1.2', language, name, url: `https://example.org/${policy}/${language}` },
  });
  const terms = [
    document('privacy', 'en', 'Privacy'),
    document('privacy', 'de', 'Datenschutz'),
    document('use', 'en', 'Use'),
  ];

  it('are shown, and agreed to together with the account, whichever replica is asked', async () => {
    const config = { registration: { ...OPEN, requires_token: true, terms } };
    const replicas = [await deployment.start({ config }), await deployment.start({ config })];
    const request = { username: freshName(), password: PASSWORD };
    const first = await replicas[0]!.http.post('register', request);
    expect(first.body.flows).toEqual([{ stages: [TYPE, 'm.login.terms'] }]);
    const of = (policy: string, language: string, name: string) => ({
      [language]: { name, url: `https://example.org/${policy}/${language}` },
    });
    expect(first.body.params).toEqual({
      'm.login.terms': {
        policies: {
          privacy: { version: '1.2', ...of('privacy', 'en', 'Privacy'), ...of('privacy', 'de', 'Datenschutz') },
          use: { version: '1.2', ...of('use', 'en', 'Use') },
        },
      },
    });
    const { session } = first.body;
    const token = await make({ uses_allowed: 1 });
    const second = await replicas[1]!.http.post('register', { ...request, auth: { type: TYPE, token, session } });
    expect([second.status, second.body.completed]).toEqual([401, [TYPE]]);
    const third = await replicas[0]!.http.post('register', { ...request, auth: { type: 'm.login.terms', session } });
    expect(third.status).toBe(200);
    const text = 'SELECT policy, version FROM user_server.accepted_terms WHERE user_id = $1 ORDER BY policy';
    const { rows } = await instance.db.query({ text, values: [third.body.user_id] });
    expect(rows).toEqual([
      { policy: 'privacy', version: '1.2' },
      { policy: 'use', version: '1.2' },
    ]);
    expect(await isValid(token)).toBe(false);
  });
});
