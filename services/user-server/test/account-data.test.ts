import { Deployment, type Instance } from './support/deployment.js';
import { register, type TestUser } from './support/http-client.js';

let deployment: Deployment;
let instance: Instance;
let user: TestUser;

beforeAll(async () => {
  deployment = await Deployment.create();
  instance = await deployment.start();
});
afterAll(() => deployment.close());
beforeEach(async () => {
  user = await register(instance.http);
});

const ROOM = '!room:one.test';
const VERSION_12_ROOM = '!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM';
const globalPath = (type: string) => `user/${user.userId}/account_data/${type}`;
const roomPath = (type: string, roomId = ROOM) => `user/${user.userId}/rooms/${roomId}/account_data/${type}`;
const put = (path: string, body: unknown, token = user.token) => instance.http.put(path, body, token);
const get = (path: string, token = user.token) => instance.http.get(path, token);

describe('account data', () => {
  it('is kept globally and for each room', async () => {
    const content = { value: 'text\u0000', nested: { a: [1.5, null] } };
    const paths = [globalPath('test.key'), roomPath('test.key'), roomPath('test.key', VERSION_12_ROOM)];
    for (const [place, path] of paths.entries()) {
      const answer = await put(path, { ...content, place });
      expect([answer.status, answer.body]).toEqual([200, {}]);
    }
    for (const [place, path] of paths.entries()) expect((await get(path)).body).toEqual({ ...content, place });
    await put(paths[0]!, {});
    expect(await get(paths[0]!)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  });

  it('is kept to the byte', async () => {
    const content = '{ "big": 9007199254740993, "float": 1.0,\n "exp": -1E+2, "text": "\\u00e9/\\/" }';
    for (const path of [globalPath('exact'), roomPath('exact')]) {
      expect((await instance.http.call('PUT', path, { token: user.token, raw: content })).status).toBe(200);
      expect((await get(path)).text).toBe(content);
    }
    const { accountData } = instance.server;
    const key = { userId: user.userId, roomId: '', type: 'exact' };
    expect((await accountData.getAccountData(key)).contentJson).toBe(content);
  });

  it('is not there before it was set', async () => {
    for (const path of [globalPath('none'), roomPath('none')]) {
      const { status, body } = await get(path);
      expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND']);
    }
  });

  it('is its user’s alone', async () => {
    const other = await register(instance.http);
    for (const path of [globalPath('a'), roomPath('a')]) {
      const answers = [await put(path, {}, other.token), await get(path, other.token)];
      for (const { status, body } of answers) expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    }
  });

  it.each(['m.fully_read', 'm.push_rules'])('of the type %s is the server’s to write', async (type) => {
    for (const path of [globalPath(type), roomPath(type)]) {
      const { status, body } = await put(path, {});
      expect([status, body.errcode]).toEqual([405, 'M_BAD_JSON']);
    }
  });

  it.each([
    ['a list', [], 400, 'M_BAD_JSON'],
    ['null', null, 400, 'M_BAD_JSON'],
    ['text', 'text', 400, 'M_BAD_JSON'],
    ['more than half a mebibyte', { big: 'x'.repeat(512 * 1024) }, 413, 'M_TOO_LARGE'],
  ])('cannot be %s', async (_, content, status, errcode) => {
    const answer = await put(globalPath('a'), content);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it.each([
    ['a type with NUL', () => globalPath('a%00'), 'M_INVALID_PARAM'],
    ['a giant type', () => globalPath('x'.repeat(256)), 'M_INVALID_PARAM'],
    ['a user id in place of a room id', () => roomPath('a', '@u:one.test'), 'M_INVALID_PARAM'],
  ])('does not go to %s', async (_, path, errcode) => {
    for (const { status, body } of [await put(path(), {}), await get(path())]) {
      expect([status, body.errcode]).toEqual([400, errcode]);
    }
  });

  it('cannot be written with what is not JSON', async () => {
    const { status, body } = await instance.http.call('PUT', globalPath('a'), { token: user.token, raw: '{' });
    expect([status, body.errcode]).toEqual([400, 'M_NOT_JSON']);
  });
});

describe('filters', () => {
  const path = () => `user/${user.userId}/filter`;
  const define = async (filter: unknown) => instance.http.post(path(), filter, user.token);

  it('are stored and read', async () => {
    const filter = { room: { timeline: { limit: 10, unknown: 1.5 } }, 'org.example.later': true };
    const { status, body } = await define(filter);
    expect([status, body]).toEqual([200, { filter_id: expect.stringMatching(/^[\w-]{22}$/) }]);
    expect((await get(`${path()}/${body.filter_id}`)).body).toEqual(filter);
    const { filterJson } = await instance.server.users.getFilter({ userId: user.userId, filterId: body.filter_id });
    expect(JSON.parse(filterJson)).toEqual(filter);
  });

  it('have one id for one meaning, on every replica at once', async () => {
    const other = await deployment.start();
    const asked = [
      { room: { timeline: { limit: 1 }, include_leave: true } },
      { room: { include_leave: true, timeline: { limit: 1 } } },
    ];
    const answers = await Promise.all(
      [instance, other, instance, other].map(({ http }, i) => http.post(path(), asked[i % 2], user.token)),
    );
    expect(new Set(answers.map(({ body }) => body.filter_id)).size).toBe(1);
    const { body } = await define({ room: { timeline: { limit: 2 } } });
    expect(body.filter_id).not.toBe(answers[0]!.body.filter_id);
  });

  it.each([
    ['a limit that is no number', { room: { timeline: { limit: 'ten' } } }],
    ['types that are no list', { presence: { types: 'm.presence' } }],
    ['a room that is none', { room: { rooms: ['room'] } }],
    ['a list', []],
  ])('refuse %s', async (_, filter) => {
    const { status, body } = await define(filter);
    expect([status, body.errcode]).toEqual([400, 'M_BAD_JSON']);
  });

  it('refuse what is nested without end', async () => {
    const raw = `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    const { status, body } = await instance.http.call('POST', path(), { token: user.token, raw });
    expect([status, body.errcode]).toEqual([400, 'M_BAD_JSON']);
  });

  it('are not found when they are unknown or somebody else’s', async () => {
    const other = await register(instance.http);
    const { body } = await define({});
    expect((await get(`${path()}/unknown`)).body.errcode).toBe('M_NOT_FOUND');
    expect((await get(`${path()}/${body.filter_id}`, other.token)).status).toBe(403);
    expect((await get(`user/${other.userId}/filter/${body.filter_id}`, other.token)).status).toBe(404);
    const asking = instance.server.users.getFilter({ userId: other.userId, filterId: body.filter_id });
    await expect(asking).rejects.toMatchObject({ status: 404 });
  });
});
