import { eventually } from '@ganglion/testing';
import { Deployment, type Instance } from './support/deployment.js';
import { type Answer, logIn, passwordLogin, register, type TestUser } from './support/http-client.js';
import { WaitingController } from './support/waiting.js';

let deployment: Deployment;
let one: Instance;
let two: Instance;

beforeAll(async () => {
  deployment = await Deployment.create();
  [one, two] = await Promise.all([deployment.start(), deployment.start()]);
});
afterAll(() => deployment.close());
afterEach(() => eventually(() => expect(WaitingController.waiting).toBe(0)));

const authOf = ({ userId, password }: TestUser) => passwordLogin(userId, password);

/** A request that waits with this token at each replica; resolves when they do. */
async function waitWith(token: string): Promise<Promise<Answer>[]> {
  const before = WaitingController.waiting;
  const answers = [one, two].map(({ http }) => http.get('/wait', token));
  await eventually(() => expect(WaitingController.waiting).toBe(before + 2));
  return answers;
}

describe('a request that waits ends with 401 at every replica', () => {
  const ENDS: [string, (other: TestUser, waiting: TestUser) => Promise<Answer>][] = [
    ['its device logs out', (_, waiting) => one.http.post('logout', {}, waiting.token)],
    ['all devices log out', (other) => one.http.call('POST', 'logout/all', { token: other.token })],
    [
      'the password is changed',
      (other) => one.http.post('account/password', { new_password: 'a new one', auth: authOf(other) }, other.token),
    ],
    [
      'its device is deleted',
      (other, { deviceId }) => one.http.delete(`devices/${deviceId}`, other.token, { auth: authOf(other) }),
    ],
    [
      'its device logs in anew',
      (other, { deviceId }) => one.http.post('login', { ...authOf(other), device_id: deviceId }),
    ],
    [
      'the account is deactivated',
      (other) => one.http.post('account/deactivate', { auth: authOf(other) }, other.token),
    ],
  ];

  it.each(ENDS)('when %s', async (_, end) => {
    const other = await register(one.http);
    const waiting = await logIn(one.http, other);
    const answers = await waitWith(waiting.token);
    expect((await end(other, waiting)).status).toBe(200);
    for (const { status, body } of await Promise.all(answers)) {
      expect([status, body.errcode, body.soft_logout]).toEqual([401, 'M_UNKNOWN_TOKEN', false]);
    }
  });

  it('when a guest becomes a user', async () => {
    const { body: guest } = await one.http.post('register?kind=guest', {});
    const answers = await waitWith(guest.access_token);
    const username = guest.user_id.slice(1, guest.user_id.indexOf(':'));
    const auth = { type: 'm.login.dummy' };
    const upgrade = { auth, username, password: 'a good one', guest_access_token: guest.access_token };
    expect((await one.http.post('register', upgrade)).status).toBe(200);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 401]);
  });
});

it('a request that waits goes on when its device refreshes its token, until that device logs out', async () => {
  const user = await register(one.http);
  const { body: first } = await one.http.post('login', { ...authOf(user), refresh_token: true });
  const answers = await waitWith(first.access_token);
  const { body: second } = await two.http.post('refresh', { refresh_token: first.refresh_token });
  expect((await two.http.get('account/whoami', second.access_token)).status).toBe(200);
  await eventually(async () => expect((await one.http.get('account/whoami', first.access_token)).status).toBe(401));
  expect(WaitingController.waiting).toBe(2);
  await one.http.post('logout', {}, second.access_token);
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 401]);
});
