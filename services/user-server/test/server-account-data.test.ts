import { USER_CHANGES } from '@ganglion/contracts';
import type { UserChanges } from '@ganglion/contracts/user';
import { defaultPushRules } from '@ganglion/protocol';
import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Instance } from './support/deployment.js';
import { register } from './support/http-client.js';

describe.each(BUSES)('account data that services write, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let one: Instance;
  let two: Instance;
  const published: UserChanges[] = [];

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    [one, two] = await Promise.all([deployment.start(), deployment.start()]);
    const consumer = {
      ...{ stream: USER_CHANGES, durable: 'test', maxBatch: 100 },
      ...{ maxAttempts: 3, backoffMs: [100], key: ({ userId }: UserChanges) => userId },
    };
    await deployment.testBus.bus.consume(consumer, async (batch) => {
      published.push(...batch.map(({ message }) => message));
    });
  });
  afterAll(() => deployment.close());

  const get = (userId: string, type: string) => one.server.accountData.getAccountData({ userId, roomId: '', type });
  const put = (instance: Instance, userId: string, type: string, content: object, expectedSeq: number) =>
    instance.server.accountData.putAccountData({
      ...{ userId, roomId: '', type, expectedSeq },
      contentJson: JSON.stringify(content),
    });

  it('is empty before it is written, and published when it is', async () => {
    const { userId } = await register(one.http);
    expect(await get(userId, 'm.push_rules')).toEqual({ contentJson: '', userSeq: 0 });
    expect(await put(one, userId, 'm.push_rules', { own: {} }, 0)).toEqual({ stored: true });
    const { contentJson, userSeq } = await get(userId, 'm.push_rules');
    expect(contentJson).toBe('{"own":{}}');
    await eventually(() =>
      expect(published).toContainEqual({
        userId,
        changes: [{ userSeq, accountData: { roomId: '', type: 'm.push_rules', contentJson } }],
      }),
    );
  });

  it('is not overwritten by somebody who has not read it', async () => {
    const { userId } = await register(one.http);
    await put(one, userId, 'x', { n: 1 }, 0);
    expect(await put(two, userId, 'x', { n: 2 }, 0)).toEqual({ stored: false });
    const { userSeq, contentJson } = await get(userId, 'x');
    expect(contentJson).toBe('{"n":1}');
    expect(await put(two, userId, 'x', { n: 3 }, userSeq + 1)).toEqual({ stored: false });
    expect(await put(two, userId, 'x', { n: 4 }, userSeq)).toEqual({ stored: true });
    expect((await get(userId, 'x')).contentJson).toBe('{"n":4}');
  });

  it('loses no change when two replicas write at once', async () => {
    const { userId } = await register(one.http);
    const add = async (instance: Instance): Promise<void> => {
      const { contentJson, userSeq } = await get(userId, 'counter');
      const { n } = JSON.parse(contentJson || '{"n":0}') as { n: number };
      const { stored } = await put(instance, userId, 'counter', { n: n + 1 }, userSeq);
      if (!stored) await add(instance);
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => add(i % 2 === 0 ? one : two)));
    expect((await get(userId, 'counter')).contentJson).toBe('{"n":20}');
    const { changes } = await one.server.userLog.getUserChanges({ userId, afterSeq: 0, limit: 0 });
    expect(changes?.changes.map(({ accountData }) => accountData?.contentJson)).toEqual(['{"n":20}']);
  });

  it('is refused for strangers, and when it is too large', async () => {
    const { userId } = await register(one.http);
    await expect(put(one, '@nobody:one.test', 'x', {}, 0)).rejects.toMatchObject({ status: 404 });
    const large = { text: 'x'.repeat(512 * 1024) };
    await expect(put(one, userId, 'x', large, 0)).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' });
  });

  it('shows users the predefined push rules, and what they changed in them', async () => {
    const { userId, token } = await register(one.http);
    const show = async () => (await one.http.get(`user/${userId}/account_data/m.push_rules`, token)).body;
    expect(await show()).toEqual({ global: defaultPushRules(userId) });
    await put(two, userId, 'm.push_rules', { predefined: { '.m.rule.master': { enabled: true } } }, 0);
    expect((await show()).global.override[0]).toMatchObject({ rule_id: '.m.rule.master', enabled: true });
  });

  it('shows no push rules of others, or of rooms', async () => {
    const { userId, token } = await register(one.http);
    const other = await register(one.http);
    const { status } = await one.http.get(`user/${other.userId}/account_data/m.push_rules`, token);
    const inRoom = await one.http.get(`user/${userId}/rooms/!r:one.test/account_data/m.push_rules`, token);
    expect([status, inRoom.status]).toEqual([403, 404]);
  });
});
