import { PostgresSuccessionStore } from '../src/storage/succession-store.js';
import { Deployment, type Instance } from './support/deployment.js';
import { register, type TestUser } from './support/http-client.js';

const SUCCESSION = { from: '!old:one.test', to: '!new:one.test' };
let deployment: Deployment;
let replicas: Instance[];
let user: TestUser;
beforeAll(async () => {
  deployment = await Deployment.create();
  replicas = [await deployment.start(), await deployment.start()];
});
afterAll(() => deployment.close());
beforeEach(async () => {
  user = await register(replicas[0]!.http);
});

const follow = (replica: Instance, userIds = [user.userId]) =>
  new PostgresSuccessionStore(replica.db).follow(userIds, SUCCESSION);
const tags = (roomId: string) => `user/${user.userId}/rooms/${roomId}/tags`;
const tag = (roomId: string) => replicas[0]!.http.put(`${tags(roomId)}/u.mine`, {}, user.token);
const tagsOf = async (roomId: string) => (await replicas[0]!.http.get(tags(roomId), user.token)).body.tags;

describe('what users have in a room that is replaced', () => {
  it('goes along once, when all replicas hear at once and again that they have followed', async () => {
    await tag(SUCCESSION.from);
    const changes = await Promise.all(Array.from({ length: 8 }, (_, n) => follow(replicas[n % 2]!)));
    expect(changes.flat().map(({ type, roomId, content }) => [type, roomId, content])).toEqual([
      ['m.tag', SUCCESSION.to, '{"tags":{"u.mine":{}}}'],
    ]);
    await replicas[0]!.http.delete(`${tags(SUCCESSION.to)}/u.mine`, user.token);
    expect(await follow(replicas[1]!)).toEqual([]);
    expect(await tagsOf(SUCCESSION.to)).toEqual({});
  });

  it('stays there when they get it after they have followed', async () => {
    expect(await follow(replicas[0]!)).toEqual([]);
    await tag(SUCCESSION.from);
    expect(await follow(replicas[1]!)).toEqual([]);
    expect(await tagsOf(SUCCESSION.to)).toEqual({});
  });

  it('goes nowhere for whoever has no account', async () => {
    await tag(SUCCESSION.from);
    await replicas[0]!.http.post(
      'account/deactivate',
      {
        auth: {
          type: 'm.login.password',
          identifier: { type: 'm.id.user', user: user.userId },
          password: user.password,
        },
      },
      user.token,
    );
    expect(await follow(replicas[0]!, [user.userId, '@nobody:one.test'])).toEqual([]);
  });

  it('can be anything that a client has put there', async () => {
    const put = (path: string, body: unknown) => replicas[0]!.http.put(`user/${user.userId}/${path}`, body, user.token);
    await put('account_data/m.direct', { a: 'no list', b: [SUCCESSION.from, 3], c: null });
    await put(`rooms/${SUCCESSION.from}/account_data/m.tag`, { tags: 'none' });
    const changes = await follow(replicas[0]!);
    expect(changes.map(({ type, content }) => [type, JSON.parse(content)])).toEqual([
      ['m.direct', { a: 'no list', b: [SUCCESSION.from, 3, SUCCESSION.to], c: null }],
    ]);
  });
});
