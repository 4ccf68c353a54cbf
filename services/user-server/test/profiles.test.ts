import { eventually } from '@ganglion/testing';
import { Deployment, type Instance } from './support/deployment.js';
import { register, type TestUser } from './support/http-client.js';
import { RecordingRooms } from './support/rooms.js';

const AVATAR = 'mxc://example.com/SEsfnsuifSDFSSEF';

let deployment: Deployment;
let instance: Instance;
let user: TestUser;
const rooms = new RecordingRooms();

beforeAll(async () => {
  deployment = await Deployment.create();
  instance = await deployment.start({ rooms });
});
afterAll(() => deployment.close());
beforeEach(async () => {
  user = await register(instance.http);
});

const field = (name: string, userId = user.userId) => `profile/${userId}/${name}`;
const put = (name: string, value: unknown) => instance.http.put(field(name), { [name]: value }, user.token);

describe('profile fields', () => {
  it.each([
    ['displayname', 'Alice \u0000 \ud83d\ude00 "quoted"'],
    ['avatar_url', AVATAR],
    ['m.tz', 'Europe/London'],
    ['com.example.thing', { nested: [1, null, 'text\u0000'] }],
    ['com.example.null', null],
    ['com.example.number', 1.5],
  ])('%s is set, read by anybody and deleted', async (name, value) => {
    expect(await put(name, value)).toMatchObject({ status: 200, body: {} });
    const { status, body, headers } = await instance.http.get(field(name));
    expect([status, body]).toEqual([200, { [name]: value }]);
    expect(headers['content-type']).toMatch(/^application\/json\b/);
    expect((await instance.http.get(`profile/${user.userId}`)).body[name]).toEqual(value);
    expect((await instance.http.delete(field(name), user.token)).status).toBe(200);
    expect((await instance.http.delete(field(name), user.token)).status).toBe(200);
    const gone = await instance.http.get(field(name));
    expect([gone.status, gone.body.errcode]).toEqual([404, 'M_NOT_FOUND']);
  });

  it.each(['displayname', 'avatar_url'])('%s set to nothing goes away', async (name) => {
    await put(name, name === 'avatar_url' ? AVATAR : 'Alice');
    expect((await put(name, '')).status).toBe(200);
    expect((await instance.http.get(field(name))).status).toBe(404);
  });

  it('are found at the place of before they were stable', async () => {
    await put('com.example.a', 1);
    const path = `/_matrix/client/unstable/uk.tcpip.msc4133/profile/${user.userId}/com.example.a`;
    expect((await instance.http.get(path)).body).toEqual({ 'com.example.a': 1 });
  });

  it.each<[string, string, unknown, string]>([
    ['a name that is no text', 'displayname', 3, 'M_INVALID_PARAM'],
    ['a name of null', 'displayname', null, 'M_INVALID_PARAM'],
    ['a giant name', 'displayname', 'x'.repeat(257), 'M_INVALID_PARAM'],
    ['a time zone that is no text', 'm.tz', [], 'M_INVALID_PARAM'],
    ['a key in capitals', 'Com.Example', 1, 'M_INVALID_PARAM'],
    ['a key with spaces', 'a%20b', 1, 'M_INVALID_PARAM'],
    ['a key that is too long', `a${'x'.repeat(255)}`, 1, 'M_KEY_TOO_LARGE'],
    ['a profile that gets too large', 'com.example.big', 'x'.repeat(65_536), 'M_PROFILE_TOO_LARGE'],
  ])('refuse %s', async (_, name, value, errcode) => {
    const { status, body } = await instance.http.put(field(name), { [name]: value }, user.token);
    expect([status, body.errcode]).toEqual([400, errcode]);
  });

  it.each(['9007199254740993', '1.0', '[{"a":1e3}]'])('that would be kept otherwise is refused: %s', async (value) => {
    const path = `profile/${user.userId}/org.example.number`;
    const { status, body } = await instance.http.call('PUT', path, {
      token: user.token,
      raw: `{"org.example.number":${value}}`,
    });
    expect([status, body.errcode]).toEqual([400, 'M_BAD_JSON']);
    expect(body.error).toContain('would be kept as');
    expect((await instance.http.get(path)).status).toBe(404);
  });

  it('must be in the body', async () => {
    for (const body of [{}, { other: 1 }]) {
      const answer = await instance.http.put(field('displayname'), body, user.token);
      expect([answer.status, answer.body.errcode]).toEqual([400, 'M_MISSING_PARAM']);
    }
    expect((await instance.http.put(field('constructor'), {}, user.token)).body.errcode).toBe('M_MISSING_PARAM');
  });

  it('fill 64 KiB to the last byte, and no byte more', async () => {
    await instance.http.delete(field('displayname'), user.token);
    const most = 65_536 - '{"com.example.a":""}'.length;
    expect((await put('com.example.a', 'x'.repeat(most))).status).toBe(200);
    expect((await put('com.example.a', 'x'.repeat(most + 1))).body.errcode).toBe('M_PROFILE_TOO_LARGE');
    expect((await put('com.example.b', 1)).body.errcode).toBe('M_PROFILE_TOO_LARGE');
    const { body } = await instance.http.get(`profile/${user.userId}`);
    expect(JSON.stringify(body)).toHaveLength(65_536);
  });

  it('stay within the limit when they are set at once', async () => {
    const names = ['com.example.a', 'com.example.b', 'com.example.c'];
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(names.map((name) => put(name, 'x'.repeat(40_000))));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      await Promise.all(names.map((name) => instance.http.delete(field(name), user.token)));
    }
  });

  it('are changed by their owner alone', async () => {
    const other = await register(instance.http);
    for (const name of ['displayname', 'com.example.a']) {
      const change = await instance.http.put(field(name), { [name]: 'x' }, other.token);
      const removal = await instance.http.delete(field(name), other.token);
      expect([change.body.errcode, removal.body.errcode]).toEqual(['M_FORBIDDEN', 'M_FORBIDDEN']);
    }
  });

  it('of guests are their display name', async () => {
    const { body: guest } = await instance.http.post('register?kind=guest', {});
    const set = (name: string, value: string) =>
      instance.http.put(field(name, guest.user_id), { [name]: value }, guest.access_token);
    expect((await set('displayname', 'Guest')).status).toBe(200);
    const refused = await set('avatar_url', AVATAR);
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN']);
  });

  it.each(['@nobody:one.test', '@somebody:elsewhere.test', 'nonsense', '%00'])('of %s do not exist', async (userId) => {
    const { status, body } = await instance.http.get(`profile/${userId}`);
    expect([status, body.errcode]).toEqual(userId === '%00' ? [400, 'M_INVALID_PARAM'] : [404, 'M_NOT_FOUND']);
  });
});

describe('rooms', () => {
  it('hear of a new name and avatar, and of nothing else', async () => {
    await put('displayname', 'Alice');
    await put('com.example.a', 1);
    await put('avatar_url', AVATAR);
    await instance.http.delete(field('displayname'), user.token);
    expect(rooms.contentsFor(user.userId)).toEqual([
      { displayname: 'Alice' },
      { avatar_url: AVATAR },
      { displayname: null },
    ]);
  });

  it('hear of it later when the room server is away', async () => {
    rooms.failures = 1;
    expect((await put('displayname', 'Later')).status).toBe(200);
    await eventually(() => expect(rooms.contentsFor(user.userId)).toEqual([{ displayname: 'Later' }]));
  });

  it('hear of the last value last, however many change it at once on however many replicas', async () => {
    const other = await deployment.start({ rooms });
    const names = Array.from({ length: 12 }, (_, i) => `Name ${i}`);
    rooms.delayMs = 40;
    await Promise.all(
      names.map((name, i) =>
        (i % 2 ? other : instance).http.put(field('displayname'), { displayname: name }, user.token),
      ),
    );
    const { body } = await instance.http.get(field('displayname'));
    await eventually(async () => {
      const { rows } = await instance.db.query({ text: 'SELECT 1 FROM user_server.room_updates' });
      expect(rows).toHaveLength(0);
    });
    expect(rooms.contentsFor(user.userId).at(-1)).toEqual(body);
    rooms.delayMs = 0;
  });

  it('hear of the last value last when the delivery of an earlier one is slow', async () => {
    const other = await deployment.start({ rooms });
    const open = Promise.withResolvers<void>();
    rooms.gate = open.promise;
    const slow = put('displayname', 'First');
    await eventually(async () => {
      const { rows } = await instance.db.query({ text: 'SELECT 1 FROM user_server.room_updates WHERE attempts = 1' });
      expect(rows).toHaveLength(1);
    });
    rooms.gate = Promise.resolve();
    const second = { displayname: 'Second' };
    expect((await other.http.put(field('displayname'), second, user.token)).status).toBe(200);
    open.resolve();
    expect((await slow).status).toBe(200);
    await eventually(() => expect(rooms.contentsFor(user.userId)).toEqual([{ displayname: 'First' }, second]));
  });

  it('do not make the client wait for long', async () => {
    const open = Promise.withResolvers<void>();
    rooms.gate = open.promise;
    const start = performance.now();
    expect((await put('displayname', 'Slow')).status).toBe(200);
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(rooms.contentsFor(user.userId)).toEqual([]);
    rooms.gate = Promise.resolve();
    open.resolve();
    await eventually(() => expect(rooms.contentsFor(user.userId)).toEqual([{ displayname: 'Slow' }]));
  });

  it('hear of what a process that died had begun', async () => {
    await instance.db.query({
      text: `INSERT INTO user_server.room_updates (user_id, fields, due_at) VALUES ($1, '{avatar_url}', now())`,
      values: [user.userId],
    });
    await eventually(() => expect(rooms.contentsFor(user.userId)).toEqual([{ avatar_url: null }]));
  });
});

describe('Users.getProfile', () => {
  it('answers other services', async () => {
    await put('avatar_url', AVATAR);
    const { profileJson } = await instance.server.users.getProfile({ userId: user.userId });
    expect(JSON.parse(profileJson)).toEqual({ avatar_url: AVATAR, displayname: expect.any(String) });
    const asking = instance.server.users.getProfile({ userId: '@nobody:one.test' });
    await expect(asking).rejects.toMatchObject({ status: 404, errcode: 'M_NOT_FOUND' });
  });
});
