import { Deployment, type Instance } from './support/deployment.js';
import { type Answer, register, type TestUser } from './support/http-client.js';

const ROOM = '!room:one.test';
let deployment: Deployment;
let one: Instance;
let two: Instance;
let user: TestUser;
beforeAll(async () => {
  deployment = await Deployment.create();
  [one, two] = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());
beforeEach(async () => {
  user = await register(one.http);
});

const refusal = ({ status, body }: Answer) => [status, body.errcode];
const tags = (userId = user.userId) => `user/${userId}/rooms/${ROOM}/tags`;
const list = async () => (await one.http.get(tags(), user.token)).body;

describe('room tags', () => {
  it('are set, listed, changed and taken away, as account data that clients hear of', async () => {
    expect(await list()).toEqual({ tags: {} });
    const set = await one.http.put(`${tags()}/u.work`, { order: 0.25 }, user.token);
    expect([set.status, set.body]).toEqual([200, {}]);
    await one.http.put(`${tags()}/m.favourite`, {}, user.token);
    expect(await list()).toEqual({ tags: { 'u.work': { order: 0.25 }, 'm.favourite': {} } });
    const { body } = await one.http.get(`user/${user.userId}/rooms/${ROOM}/account_data/m.tag`, user.token);
    expect(body).toEqual(await list());
    await one.http.delete(`${tags()}/u.work`, user.token);
    await one.http.delete(`${tags()}/u.none`, user.token);
    expect(await list()).toEqual({ tags: { 'm.favourite': {} } });
    const { changes } = await one.server.userLog.getUserChanges({ userId: user.userId, afterSeq: 0, limit: 0 });
    expect(changes?.changes.at(-1)?.accountData).toEqual({
      ...{ roomId: ROOM, type: 'm.tag', contentJson: '{"tags":{"m.favourite":{}}}' },
    });
  });

  it.each(['1.0', '0.50', '5e-1'])('have an order that may be written as %s', async (order) => {
    const raw = `{"order":${order}}`;
    expect((await one.http.call('PUT', `${tags()}/u.work`, { token: user.token, raw })).status).toBe(200);
    expect(await list()).toEqual({ tags: { 'u.work': { order: Number(order) } } });
  });

  it('that are set at once, at several replicas, all stay', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `u.tag-${index}`);
    await Promise.all(
      names.map((name, index) => [one, two][index % 2]!.http.put(`${tags()}/${name}`, { order: index }, user.token)),
    );
    expect(Object.keys((await list()).tags).toSorted()).toEqual(names);
  });

  it('may be called anything', async () => {
    for (const name of ['__proto__', 'constructor', 'Ω', 'with space']) {
      await one.http.put(`${tags()}/${encodeURIComponent(name)}`, { order: 1 }, user.token);
      expect(Object.getOwnPropertyNames((await list()).tags)).toContain(name);
    }
  });

  it.each([
    ['an order that is no number', 'u.a', '{"order":"first"}', 400, 'M_BAD_JSON'],
    ['what is no object', 'u.a', '[]', 400, 'M_BAD_JSON'],
    ['a number that would be another one', 'u.a', '{"order":0.1000000000000000055}', 400, 'M_BAD_JSON'],
    ['a name that is too long', 'x'.repeat(256), '{}', 400, 'M_INVALID_PARAM'],
  ])('refuse %s', async (_, name, raw, status, errcode) => {
    expect(refusal(await one.http.call('PUT', `${tags()}/${name}`, { raw, token: user.token }))).toEqual([
      status,
      errcode,
    ]);
    expect(await list()).toEqual({ tags: {} });
  });

  it('are one’s own', async () => {
    const other = tags('@other:one.test');
    for (const answer of [
      await one.http.get(other, user.token),
      await one.http.put(`${other}/u.a`, {}, user.token),
      await one.http.delete(`${other}/u.a`, user.token),
    ])
      expect(refusal(answer)).toEqual([403, 'M_FORBIDDEN']);
    const nowhere = await one.http.put(`user/${user.userId}/rooms/nowhere/tags/u.a`, {}, user.token);
    expect(refusal(nowhere)).toEqual([400, 'M_INVALID_PARAM']);
  });
});

describe.each([
  ['global', ''],
  ['room', `rooms/${ROOM}/`],
])('%s account data', (_, room) => {
  const path = () => `user/${user.userId}/${room}account_data/org.example.own`;
  const deletion = (userId = user.userId) =>
    `/_matrix/client/unstable/org.matrix.msc3391/user/${userId}/${room}account_data/org.example.own`;
  const last = async () => {
    const { changes } = await one.server.userLog.getUserChanges({ userId: user.userId, afterSeq: 0, limit: 0 });
    return changes?.changes.at(-1);
  };

  it.each<[string, () => Promise<Answer>]>([
    ['is deleted', () => one.http.delete(deletion(), user.token)],
    ['is deleted by setting it to nothing', () => one.http.call('PUT', path(), { raw: '{ }', token: user.token })],
  ])('%s, which those who have seen it hear of', async (_name, remove) => {
    await one.http.put(path(), { is: 1 }, user.token);
    expect((await remove()).status).toBe(200);
    expect(refusal(await one.http.get(path(), user.token))).toEqual([404, 'M_NOT_FOUND']);
    expect((await last())?.accountData).toMatchObject({ type: 'org.example.own', contentJson: '{}' });
    const seq = (await last())?.userSeq;
    expect((await one.http.delete(deletion(), user.token)).status).toBe(200);
    expect((await last())?.userSeq).toBe(seq);
  });

  it('that there is not is deleted without a word, and that of others not at all', async () => {
    expect((await one.http.delete(deletion(), user.token)).status).toBe(200);
    expect(await last()).toBeUndefined();
    expect(refusal(await one.http.delete(deletion('@other:one.test'), user.token))).toEqual([403, 'M_FORBIDDEN']);
    const managed = deletion().replace('org.example.own', 'm.push_rules');
    expect(refusal(await one.http.delete(managed, user.token))).toEqual([405, 'M_BAD_JSON']);
  });
});
