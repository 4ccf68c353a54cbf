import { type Answer, type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
let counter = 0;
let alice: string;

beforeAll(async () => {
  deployment = await deploy();
});
afterAll(() => deployment.close());
beforeEach(() => {
  counter += 1;
  alice = `@alice-${counter}:one.test PHONE`;
});

const ROOM = '!room:one.test';
const INFO = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: { public_key: 'abc' } };
const KEY = { first_message_index: 10, forwarded_count: 5, is_verified: false, session_data: { ciphertext: 'abc' } };
const key = (changes: Partial<typeof KEY> = {}) => ({ ...KEY, ...changes });

const call = (method: string, path: string, body?: unknown, replica?: 0 | 1): Promise<Answer> =>
  deployment.call(method, `room_keys/${path}`, alice, body, replica);
const create = async () => (await call('POST', 'version', INFO)).body.version as string;
const onSession = (version: string, session: string) =>
  `keys/${encodeURIComponent(ROOM)}/${session}?version=${version}`;

describe('a backup', () => {
  it('is found by its version, and the latest is the current one', async () => {
    const [first, second] = [await create(), await create()];
    expect([first, second]).toEqual(['1', '2']);
    expect((await call('GET', 'version/1')).body).toEqual({ ...INFO, version: '1', count: 0, etag: '0' });
    expect((await call('GET', 'version')).body.version).toBe('2');
  });

  it('may be described anew, with the same algorithm', async () => {
    await create();
    const changed = { ...INFO, auth_data: { public_key: 'other' } };
    expect(await call('PUT', 'version/1', { ...changed, version: '1' })).toEqual({ status: 200, body: {} });
    expect((await call('GET', 'version')).body.auth_data).toEqual({ public_key: 'other' });
    for (const wrong of [
      { ...INFO, algorithm: 'other' },
      { ...INFO, version: '2' },
    ]) {
      const { status, body } = await call('PUT', 'version/1', wrong);
      expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
    }
  });

  it('is deleted with its keys, twice if need be, and its version is not used again', async () => {
    await create();
    await call('PUT', onSession('1', 's'), key());
    for (let i = 0; i < 2; i++) expect(await call('DELETE', 'version/1')).toEqual({ status: 200, body: {} });
    for (const path of ['version', 'version/1', 'keys?version=1', onSession('1', 's')]) {
      expect((await call('GET', path)).status).toBe(404);
    }
    expect(await create()).toBe('2');
    expect((await call('GET', 'keys?version=2')).body).toEqual({ rooms: {} });
  });

  it('is that of its user alone', async () => {
    await create();
    const { status } = await deployment.call('GET', 'room_keys/version/1', '@mallory:one.test TV');
    expect(status).toBe(404);
  });

  it.each(['version', 'version/1', 'version/x', 'keys?version=1'])(
    'that never was is not found at %s',
    async (path) => {
      expect(await call('GET', path)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    },
  );

  it('gets different versions when two begin at once', async () => {
    const versions = await Promise.all(
      Array.from({ length: 6 }, (_, i) => call('POST', 'version', INFO, (i % 2) as 0 | 1)),
    );
    expect(new Set(versions.map(({ body }) => body.version)).size).toBe(6);
  });
});

describe('the keys in a backup', () => {
  beforeEach(create);

  it('are put and got one by one, by room, and all at once', async () => {
    expect((await call('PUT', onSession('1', 'a'), key())).body).toEqual({ count: 1, etag: '1' });
    const b = key({ session_data: { ciphertext: 'b' } });
    expect((await call('PUT', `keys/${ROOM}?version=1`, { sessions: { b } })).body).toEqual({ count: 2, etag: '2' });
    const rooms = { '!other:one.test': { sessions: { c: key() } } };
    expect((await call('PUT', 'keys?version=1', { rooms })).body).toEqual({ count: 3, etag: '3' });
    expect((await call('GET', onSession('1', 'b'))).body).toEqual(b);
    expect((await call('GET', `keys/${ROOM}?version=1`)).body).toEqual({ sessions: { a: key(), b } });
    expect((await call('GET', 'keys?version=1')).body).toEqual({
      rooms: { [ROOM]: { sessions: { a: key(), b } }, ...rooms },
    });
    expect((await call('GET', 'version')).body).toMatchObject({ count: 3, etag: '3' });
  });

  it('may be of a room whose id has any form, as it is nobody but the client that reads it', async () => {
    for (const room of ['no room at all', '!room', 'x'.repeat(255)]) {
      const path = `keys/${encodeURIComponent(room)}`;
      expect((await call('PUT', `${path}/a?version=1`, key())).status).toBe(200);
      expect((await call('PUT', 'keys?version=1', { rooms: { [room]: { sessions: { b: key() } } } })).status).toBe(200);
      expect((await call('GET', `${path}?version=1`)).body).toEqual({ sessions: { a: key(), b: key() } });
      expect((await call('DELETE', `${path}?version=1`)).status).toBe(200);
    }
    const tooLong = 'x'.repeat(256);
    expect((await call('PUT', `keys/${tooLong}/a?version=1`, key())).status).toBe(400);
    expect((await call('PUT', 'keys?version=1', { rooms: { [tooLong]: { sessions: {} } } })).status).toBe(400);
  });

  it('come back as they are, however many there are and however large a few of them', async () => {
    const large = { ciphertext: 'x'.repeat(300_000) };
    const rooms = ['!a:one.test', '!b:one.test', '!c:one.test'].map((room, of) => {
      const sessions = Array.from({ length: 700 }, (_, n) => {
        return [`s${n}`, key({ session_data: n % 200 === of ? large : { ciphertext: `${of} ${n}` } })] as const;
      });
      return [room, { sessions: Object.fromEntries(sessions) }] as const;
    });
    const all = { rooms: Object.fromEntries(rooms) };
    expect(JSON.stringify(all).length).toBeGreaterThan(3 * 1_048_576);
    expect((await call('PUT', 'keys?version=1', all)).body).toEqual({ count: 2_100, etag: '1' });
    expect((await call('GET', 'keys?version=1')).body).toEqual(all);
    expect((await call('GET', 'keys/!b:one.test?version=1')).body).toEqual(all.rooms['!b:one.test']);
    expect((await call('GET', 'keys/!none:one.test?version=1')).body).toEqual({ sessions: {} });
  });

  it('are refused where there are more than anybody puts at once, and so is any other large request', async () => {
    const tooLarge = { rooms: {}, padding: 'x'.repeat(16 * 1_048_576) };
    expect((await call('PUT', 'keys?version=1', tooLarge)).body.errcode).toBe('M_TOO_LARGE');
    const info = { ...INFO, padding: 'x'.repeat(1_048_576) };
    expect((await call('PUT', 'version/1', info)).body.errcode).toBe('M_TOO_LARGE');
  });

  it('are deleted one by one, by room, and all at once', async () => {
    const sessions = { a: key(), b: key() };
    await call('PUT', 'keys?version=1', {
      rooms: { [ROOM]: { sessions }, '!2:one.test': { sessions }, '!3:one.test': { sessions } },
    });
    expect((await call('DELETE', onSession('1', 'a'))).body).toEqual({ count: 5, etag: '2' });
    expect((await call('DELETE', onSession('1', 'a'))).body).toEqual({ count: 5, etag: '2' });
    expect((await call('DELETE', 'keys/!2:one.test?version=1')).body).toEqual({ count: 3, etag: '3' });
    expect((await call('DELETE', 'keys?version=1')).body).toEqual({ count: 0, etag: '4' });
    expect((await call('GET', 'keys?version=1')).body).toEqual({ rooms: {} });
  });

  const better: [string, Partial<typeof KEY>, Partial<typeof KEY>][] = [
    ['what is verified', { is_verified: true, first_message_index: 11, forwarded_count: 6 }, {}],
    ['what begins earlier', { first_message_index: 9, forwarded_count: 6 }, {}],
    ['what was forwarded less often', { forwarded_count: 4 }, {}],
    ['what is verified, however early the other begins', { is_verified: true }, { first_message_index: 0 }],
  ];
  it.each(better)('stay or are replaced so that %s is there', async (_, best, worse) => {
    for (const [session, order] of [
      ['first', [best, worse]],
      ['last', [worse, best]],
    ] as const) {
      for (const changes of order) await call('PUT', onSession('1', session), key(changes));
      expect((await call('GET', onSession('1', session))).body).toEqual(key(best));
    }
  });

  it('stay when the same comes again, and so does the etag', async () => {
    await call('PUT', onSession('1', 'a'), key());
    const again = key({ session_data: { ciphertext: 'other' } });
    expect((await call('PUT', onSession('1', 'a'), again)).body).toEqual({ count: 1, etag: '1' });
    expect((await call('GET', onSession('1', 'a'))).body).toEqual(key());
  });

  it('are put into the current backup alone', async () => {
    await create();
    const { status, body } = await call('PUT', onSession('1', 'a'), key());
    expect([status, body.errcode, body.current_version]).toEqual([403, 'M_WRONG_ROOM_KEYS_VERSION', '2']);
    expect((await call('GET', 'version/1')).body.count).toBe(0);
  });

  it('are counted right when many come at once, some of them twice', async () => {
    const puts = Array.from({ length: 30 }, (_, i) => {
      const sessions = Object.fromEntries(
        [i, i + 1, 29 - i].map((n) => [`s${n}`, key({ first_message_index: 30 - i })]),
      );
      return call('PUT', 'keys?version=1', { rooms: { [ROOM]: { sessions } } }, (i % 2) as 0 | 1);
    });
    expect((await Promise.all(puts)).map(({ status }) => status)).toEqual(Array(30).fill(200));
    const { rooms } = (await call('GET', 'keys?version=1')).body;
    expect((await call('GET', 'version')).body.count).toBe(Object.keys(rooms[ROOM].sessions).length);
  });

  it('come or do not when the backup is deleted meanwhile, and nothing is left of them', async () => {
    const puts = Array.from({ length: 20 }, (_, i) => call('PUT', onSession('1', `s${i}`), key(), (i % 2) as 0 | 1));
    const deletion = call('DELETE', 'version/1', undefined, 1);
    const statuses = (await Promise.all(puts)).map(({ status }) => status);
    expect((await deletion).status).toBe(200);
    expect(statuses.every((status) => status === 200 || status === 404)).toBe(true);
    const { rows } = await deployment.db.query({
      text: 'SELECT count(*) AS count FROM key_server.backup_keys WHERE user_id = $1',
      values: [alice.split(' ')[0]],
    });
    expect(rows).toEqual([{ count: 0 }]);
  });

  const wrong: [string, object][] = [
    ['an index below zero', { first_message_index: -1 }],
    ['an index that is no whole number', { first_message_index: 1.5 }],
    ['a count that is a text', { forwarded_count: '1' }],
    ['a verification that is none', { is_verified: 1 }],
    ['data that are no object', { session_data: 'x' }],
    ['no data', { session_data: undefined }],
  ];
  it.each(wrong)('are refused with %s', async (_, changes) => {
    const { status, body } = await call('PUT', onSession('1', 'a'), { ...KEY, ...changes });
    expect([status, body.errcode]).toEqual([400, 'M_BAD_JSON']);
    const all = { rooms: { [ROOM]: { sessions: { a: key(), b: { ...KEY, ...changes } } } } };
    expect((await call('PUT', 'keys?version=1', all)).status).toBe(400);
    expect((await call('GET', 'keys?version=1')).body).toEqual({ rooms: {} });
  });

  it('are refused without a version', async () => {
    expect(await call('PUT', 'keys', { rooms: {} })).toMatchObject({
      status: 400,
      body: { errcode: 'M_MISSING_PARAM' },
    });
  });
});
