import { eventually } from '@ganglion/testing';
import { registerAdmin } from './support/admin.js';
import { Deployment, type Instance } from './support/deployment.js';
import { type HttpClient, logIn, passwordLogin, register, type TestUser } from './support/http-client.js';
import { deployment, mailServer, refusal, start, withAddress, withMail } from './support/mail.js';

withMail();

const DAY_MS = 86_400_000;
const VALIDITY = '/_synapse/admin/v1/account_validity/validity';
const SEND_MAIL = '/_matrix/client/unstable/account_validity/send_mail';
const EXPIRED = [403, 'ORG_MATRIX_EXPIRED_ACCOUNT'];
/** Nobody is written to unasked. */
const RARELY = { period_ms: 30 * DAY_MS, renew_before_ms: 1 };

let instance: Instance;
let other: Instance;
let http: HttpClient;
let admin: TestUser;
beforeAll(async () => {
  const account_validity = RARELY;
  [instance, other] = [await start({}, { account_validity }), await start({}, { account_validity })];
  http = instance.http;
  admin = await registerAdmin(http);
});

const set = (userId: string, more: object = {}, token = admin.token) =>
  http.post(VALIDITY, { user_id: userId, ...more }, token);
const whoami = async (token: string, at = http) => refusal(await at.get('account/whoami', token));
const letters = (email: string) => mailServer.mails.filter(({ to }) => to.includes(email)).length;

/** Follows the link that renews, as a person does. */
async function renew(email: string, after: number, { http: at, url } = instance) {
  const { pathname, search } = await mailServer.linkTo(email, after);
  const path = `${pathname.replace('/here', '')}${search}`;
  // Looking at it changes nothing.
  const page = await (await fetch(`${url}${path}`)).text();
  expect(page).toContain('<button type="submit">Renew</button>');
  return at.call('POST', path, {});
}

describe('an account that has expired', () => {
  it('is of no use at any replica, also to who waits, but to log out and to have it renewed', async () => {
    const user = await register(http);
    expect((await other.http.get('account/whoami', user.token)).status).toBe(200);
    const waiting = other.http.get('/wait', user.token);
    await eventually(async () => expect((await other.http.get('devices', user.token)).status).toBe(200));
    const answer = await set(user.userId, { expiration_ts: 1_000 });
    expect([answer.status, answer.body]).toEqual([200, { expiration_ts: 1_000 }]);
    expect(refusal(await waiting)).toEqual(EXPIRED);
    for (const at of [http, other.http])
      await eventually(async () => expect(await whoami(user.token, at)).toEqual(EXPIRED));
    expect(refusal(await http.put('devices/X', {}, user.token))).toEqual(EXPIRED);
    expect(refusal(await http.post(SEND_MAIL, {}, user.token))).toEqual([400, 'M_THREEPID_NOT_FOUND']);
    // Who logs in can ask for the e-mail.
    const phone = await logIn(http, user);
    expect(await whoami(phone.token)).toEqual(EXPIRED);
    expect((await http.post('logout', {}, phone.token)).status).toBe(200);
    const renewed = (await set(user.userId)).body.expiration_ts;
    expect(Math.abs(renewed - Date.now() - RARELY.period_ms)).toBeLessThan(60_000);
    for (const at of [http, other.http]) {
      await eventually(async () => expect((await at.get('account/whoami', user.token)).status).toBe(200));
    }
    await set(user.userId, { expiration_ts: 1_000 });
    expect((await http.post('logout/all', {}, user.token)).status).toBe(200);
  });

  it('ends when its time is over, and not before', async () => {
    const user = await register(http);
    await set(user.userId, { expiration_ts: Date.now() + DAY_MS });
    expect((await http.get('account/whoami', user.token)).status).toBe(200);
    await set(user.userId, { expiration_ts: Date.now() + 300 });
    await eventually(async () => expect(await whoami(user.token)).toEqual(EXPIRED));
  });

  it('goes on once its owner has followed the link in an e-mail, which works once', async () => {
    const { email, userId, token } = await withAddress();
    await set(userId, { expiration_ts: 1_000 });
    const before = letters(email);
    expect((await http.post(SEND_MAIL, {}, token)).body).toEqual({});
    const renewed = await renew(email, before, other);
    expect([renewed.status, Math.abs(renewed.body.expiration_ts - Date.now() - RARELY.period_ms) < 60_000]).toEqual([
      200,
      true,
    ]);
    await eventually(async () => expect((await http.get('account/whoami', token)).status).toBe(200));
    // The same link once more gives the same, and nothing else.
    expect((await renew(email, before)).body).toEqual(renewed.body);
    await set(userId, { expiration_ts: 1_000 });
    expect((await renew(email, before)).body).toEqual({ expiration_ts: 1_000 });
    await eventually(async () => expect(await whoami(token)).toEqual(EXPIRED));
    const page = await http.call('POST', '/_ganglion/client/email/renew?token=nonsense', {});
    expect(refusal(page)).toEqual([404, 'M_NOT_FOUND']);
  });
});

describe('an account that ends soon', () => {
  it('has its owner written to once for each end, whichever replica looks, with a link that lets it go on', async () => {
    const { email, userId, token } = await withAddress();
    const account_validity = { period_ms: 10 * DAY_MS, renew_before_ms: 2 * DAY_MS };
    const [one, two] = [await start({}, { account_validity }), await start({}, { account_validity })];
    // It has a whole period from when accounts begin to end.
    const { db } = one!;
    const text = 'SELECT FROM user_server.accounts WHERE user_id = $1 AND expires_at IS NOT NULL';
    await eventually(async () => expect((await db.query({ text, values: [userId] })).rows).toHaveLength(1));
    const before = letters(email);
    await set(userId, { expiration_ts: Date.now() + DAY_MS });
    await mailServer.linkTo(email, before);
    expect((await two!.http.get('account/whoami', token)).status).toBe(200);
    const { status, body } = await renew(email, before, one);
    expect([status, body.expiration_ts > Date.now() + 9 * DAY_MS]).toEqual([200, true]);
    expect(letters(email)).toBe(before + 1);
  });

  it('has its owner written to once they have an address, also where that is long after the others', async () => {
    const account_validity = { period_ms: 10 * DAY_MS, renew_before_ms: 2 * DAY_MS };
    const { db } = instance;
    const user = await register(http);
    await set(user.userId, { expiration_ts: Date.now() + DAY_MS });
    const later = await withAddress();
    await set(later.userId, { expiration_ts: Date.now() + DAY_MS + 60_000 });
    const before = letters(later.email);
    await start({}, { account_validity });
    // Who comes after in the order of ends has been told: nobody was kept waiting.
    await mailServer.linkTo(later.email, before);
    const email = `${user.userId.slice(1, user.userId.indexOf(':'))}@example.org`;
    const add = `INSERT INTO user_server.third_party_ids (server_name, medium, address, user_id, validated_at)
      VALUES ('one.test', 'email', $1, $2, now())`;
    await db.query({ text: add, values: [email, user.userId] });
    await mailServer.linkTo(email);
  });
});

describe('an account that was there before accounts began to end', () => {
  it('ends a little earlier than others, not all at the same time', async () => {
    // A database of its own: no other instance gives them an end by other settings.
    const own = await Deployment.create();
    const { db } = await own.start();
    const ids = Array.from({ length: 20 }, (_, n) => `@old${n}-${Date.now()}:one.test`);
    const insert = `INSERT INTO user_server.accounts (user_id, created_at) SELECT unnest($1::text[]), now() - interval '1 year'`;
    await db.query({ text: insert, values: [ids] });
    const text = `SELECT extract(epoch FROM expires_at - now()) * 1000 / $2 AS part FROM user_server.accounts
      WHERE user_id = ANY($1) AND expires_at IS NOT NULL`;
    await own.start({ config: { account_validity: RARELY } });
    const parts = await eventually(async () => {
      const { rows } = await db.query<{ part: string }>({ text, values: [ids, RARELY.period_ms] });
      expect(rows).toHaveLength(ids.length);
      return rows.map(({ part }) => Number(part));
    });
    expect(Math.min(...parts)).toBeGreaterThan(0.89);
    expect(Math.max(...parts)).toBeLessThanOrEqual(1);
    expect(Math.max(...parts) - Math.min(...parts)).toBeGreaterThan(0.02);
    await own.close();
  });
});

it('time during which no account could end does not count, and whose account had ended before stays out', async () => {
  const own = await Deployment.create();
  const { db } = await own.start();
  const ids = ['soon', 'later', 'before'].map((name) => `@${name}-${Date.now()}:one.test`);
  const insert = `INSERT INTO user_server.accounts (user_id, expires_at)
    SELECT id, now() + hours * interval '1 hour' FROM unnest($1::text[], $2::int[]) AS known (id, hours)`;
  await db.query({ text: insert, values: [ids, [-40, 60, -60]] });
  await db.query({ text: `UPDATE user_server.account_validity_clock SET looked_at = now() - interval '50 hours'` });
  const configured = { config: { account_validity: RARELY } };
  await Promise.all([own.start(configured), own.start(configured)]);
  await own.start(configured);
  const { rows } = await db.query<{ hours: number }>({
    text: `SELECT round(extract(epoch FROM expires_at - now()) / 3600)::int AS hours FROM user_server.accounts
      JOIN unnest($1::text[]) WITH ORDINALITY AS asked (user_id, place) USING (user_id) ORDER BY place`,
    values: [ids],
  });
  expect(rows.map(({ hours }) => hours)).toEqual([10, 110, -60]);
  await own.close();
});

describe('whose account never ends', () => {
  it('administrators and guests', async () => {
    const guest = (await http.post('register?kind=guest', {})).body;
    for (const userId of [admin.userId, guest.user_id, '@nobody:one.test']) {
      expect(refusal(await set(userId, { expiration_ts: 1_000 }))).toEqual([404, 'M_NOT_FOUND']);
    }
    expect((await http.get('account/whoami', guest.access_token)).status).toBe(200);
  });

  it('everybody where nothing is configured, whatever was before', async () => {
    const user = await register(http);
    await set(user.userId, { expiration_ts: 1_000 });
    const without = (await deployment.start()).http;
    const login = await without.post('login', passwordLogin(user.userId, user.password));
    expect((await without.get('account/whoami', login.body.access_token)).status).toBe(200);
    expect(refusal(await without.post(SEND_MAIL, {}, login.body.access_token))).toEqual([404, 'M_UNRECOGNIZED']);
    const byAdmin = await without.post(VALIDITY, { user_id: user.userId }, admin.token);
    expect(refusal(byAdmin)).toEqual([404, 'M_UNRECOGNIZED']);
  });
});

describe('saying until when an account lasts', () => {
  it.each([
    [{ user_id: 'nobody' }, [400, 'M_INVALID_PARAM']],
    [{ user_id: '@x:elsewhere.test' }, [400, 'M_INVALID_PARAM']],
    [{}, [400, 'M_MISSING_PARAM']],
    [{ user_id: '@x:one.test', expiration_ts: 'soon' }, [400, 'M_BAD_JSON']],
  ])('refuses %j', async (body, refused) => {
    const [status, errcode] = refusal(await http.post(VALIDITY, body, admin.token));
    expect([status, typeof errcode]).toEqual([refused[0], 'string']);
  });

  it('is for administrators', async () => {
    const user = await register(http);
    expect(refusal(await set(user.userId, {}, user.token))).toEqual([403, 'M_FORBIDDEN']);
  });
});
