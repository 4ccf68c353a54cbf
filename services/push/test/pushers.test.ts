import { type Deployment, deploy } from './support/deployment.js';

const PUSHER = {
  app_id: 'org.example.app',
  pushkey: 'a key',
  kind: 'http',
  app_display_name: 'App',
  device_display_name: 'Phone',
  profile_tag: 'xyz',
  lang: 'en',
  data: { url: 'https://push.example.org/_matrix/push/v1/notify', format: 'event_id_only', custom: [1] },
};
let deployment: Deployment;
let counter = 0;
let alice: string;
let bob: string;

beforeAll(async () => {
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(() => {
  counter += 1;
  alice = `@alice-${counter}:one.test PHONE`;
  bob = `@bob-${counter}:one.test LAPTOP`;
  deployment.devices.begin(userOf(alice), 'PHONE');
  deployment.devices.begin(userOf(bob), 'LAPTOP');
});

const userOf = (token: string) => token.split(' ')[0] ?? '';
const set = (token: string, body: object, replica?: 0 | 1) =>
  deployment.call('POST', 'pushers/set', token, body, replica);
const list = async (token: string) => (await deployment.call('GET', 'pushers', token)).body.pushers;
/** A key that only this test has. */
const pusher = (changes: object = {}) => ({ ...PUSHER, pushkey: `key ${counter}`, ...changes });

describe('pushers', () => {
  it('are listed as they were set', async () => {
    expect(await set(alice, pusher())).toEqual({ status: 200, body: {} });
    expect(await list(alice)).toEqual([pusher()]);
    expect(await list(bob)).toEqual([]);
  });

  it('are replaced by app and key', async () => {
    const { profile_tag: _, ...other } = pusher({ lang: 'de' });
    await set(alice, pusher());
    await set(alice, other);
    await set(alice, pusher({ app_id: 'org.example.other' }));
    expect(await list(alice)).toEqual([other, pusher({ app_id: 'org.example.other' })]);
  });

  it('belong to the device that set them last', async () => {
    deployment.devices.begin(userOf(alice), 'TABLET');
    await set(alice, pusher());
    await set(alice.replace('PHONE', 'TABLET'), pusher());
    const { rows } = await deployment.db.query({
      text: 'SELECT device_id FROM push.pushers WHERE user_id = $1',
      values: [userOf(alice)],
    });
    expect(rows).toEqual([{ device_id: 'TABLET' }]);
  });

  it('are removed when their kind is null, and were gone before all the same', async () => {
    await set(alice, pusher());
    const removal = { app_id: PUSHER.app_id, pushkey: pusher().pushkey, kind: null };
    expect(await set(bob, removal)).toEqual({ status: 200, body: {} });
    expect(await list(alice)).toHaveLength(1);
    for (let i = 0; i < 2; i++) expect(await set(alice, removal)).toEqual({ status: 200, body: {} });
    expect(await list(alice)).toEqual([]);
  });

  it('take over the key of other users unless they are appended', async () => {
    await set(alice, pusher());
    await set(bob, pusher({ append: true }));
    expect([await list(alice), await list(bob)]).toEqual([[pusher()], [pusher()]]);
    await set(bob, pusher({ append: false }));
    expect([await list(alice), await list(bob)]).toEqual([[], [pusher()]]);
  });

  it('have one owner when two users take a key at once', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, i) => set(i % 2 ? alice : bob, pusher(), i % 2 ? 0 : 1)));
    expect([...(await list(alice)), ...(await list(bob))]).toEqual([pusher()]);
  });

  it('are not more than a hundred of one user', async () => {
    const keys = Array.from({ length: 102 }, (_, i) => `key ${counter} ${i}`);
    for (const pushkey of keys.slice(0, 94)) expect((await set(alice, pusher({ pushkey }))).status).toBe(200);
    const last = keys.slice(94).map((pushkey, i) => set(alice, pusher({ pushkey }), i % 2 ? 0 : 1));
    const statuses = (await Promise.all(last)).map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(6).fill(200), 400, 400]);
    expect(await list(alice)).toHaveLength(100);
    const [{ pushkey }] = await list(alice);
    expect((await set(alice, pusher({ pushkey, lang: 'fr' }))).status).toBe(200);
  });
});

describe('a pusher', () => {
  const stored = async () => {
    const text = 'SELECT device_id FROM push.pushers WHERE user_id = $1';
    const { rows } = await deployment.db.query<{ device_id: string }>({ text, values: [userOf(alice)] });
    return rows.map(({ device_id }) => device_id);
  };

  it('ends with its device, and no other does', async () => {
    const tablet = alice.replace('PHONE', 'TABLET');
    deployment.devices.begin(userOf(alice), 'TABLET');
    await set(tablet, pusher({ app_id: 'on the tablet' }));
    await set(alice, pusher({ app_id: 'on the phone' }));
    deployment.devices.end(userOf(alice), 'TABLET');
    expect(await list(alice)).toEqual([pusher({ app_id: 'on the phone' })]);
    expect(await stored()).toEqual(['PHONE']);
  });

  it('does not come back with a new device of the same id', async () => {
    await set(alice, pusher());
    deployment.devices.end(userOf(alice), 'PHONE');
    deployment.devices.begin(userOf(alice), 'PHONE', Date.now() + 1_000);
    expect(await list(alice)).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  it('stays when its device ends after another one has set it', async () => {
    deployment.devices.begin(userOf(alice), 'TABLET');
    await set(alice, pusher());
    await set(alice.replace('PHONE', 'TABLET'), pusher());
    deployment.devices.end(userOf(alice), 'PHONE');
    expect(await list(alice)).toEqual([pusher()]);
  });

  it('that has ended does not count', async () => {
    const keys = Array.from({ length: 100 }, (_, i) => `key ${counter} ${i}`);
    deployment.devices.begin(userOf(alice), 'TABLET');
    const tablet = alice.replace('PHONE', 'TABLET');
    for (const pushkey of keys) expect((await set(tablet, pusher({ pushkey }))).status).toBe(200);
    expect((await set(alice, pusher())).status).toBe(400);
    deployment.devices.end(userOf(alice), 'TABLET');
    expect((await set(alice, pusher())).status).toBe(200);
    expect(await list(alice)).toEqual([pusher()]);
  });
});

describe('POST /pushers/set refuses', () => {
  const url = PUSHER.data.url;
  it.each([
    ['what is missing', { lang: null, data: undefined }, 'M_MISSING_PARAM'],
    ['no kind', { kind: undefined }, 'M_MISSING_PARAM'],
    ['a removal without a key', { kind: null, pushkey: undefined }, 'M_MISSING_PARAM'],
    ['an unknown kind', { kind: 'email' }, 'M_INVALID_PARAM'],
    ['a long app id', { app_id: 'x'.repeat(65) }, 'M_INVALID_PARAM'],
    ['a long key', { pushkey: 'é'.repeat(257) }, 'M_INVALID_PARAM'],
    ['a long name', { app_display_name: 'x'.repeat(1_025) }, 'M_INVALID_PARAM'],
    ['much data', { data: { url, more: 'x'.repeat(16_384) } }, 'M_INVALID_PARAM'],
    ['data without a URL', { data: {} }, 'M_MISSING_PARAM'],
    ['a URL without TLS', { data: { url: url.replace('https', 'http') } }, 'M_INVALID_PARAM'],
    ['a URL with another path', { data: { url: `${url}/x` } }, 'M_INVALID_PARAM'],
    ['what is no URL', { data: { url: 'push' } }, 'M_INVALID_PARAM'],
    ['a number for text', { lang: 1 }, 'M_BAD_JSON'],
    ['NUL', { lang: '\0' }, 'M_BAD_JSON'],
    ['data that is a list', { data: [] }, 'M_BAD_JSON'],
  ])('%s', async (_, changes, errcode) => {
    const { status, body } = await set(alice, pusher(changes));
    expect([status, body.errcode]).toEqual([400, errcode]);
    expect(await list(alice)).toEqual([]);
  });

  it('what is missing with its names', async () => {
    const { body } = await set(alice, pusher({ lang: undefined, data: undefined }));
    expect(body.error).toBe('Missing parameters: lang, data');
  });
});
