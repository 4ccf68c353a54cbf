import { setTimeout as sleep } from 'node:timers/promises';
import { ANNOUNCEMENTS, type Announcement, USER_CHANGES } from '@ganglion/contracts';
import type { UserChange, UserChanges } from '@ganglion/contracts/user';
import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Instance } from './support/deployment.js';
import { register, type TestUser } from './support/http-client.js';

describe.each(BUSES)('changes of users, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let one: Instance;
  let two: Instance;
  const heard = new Map<string, UserChange[]>();

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    const { bus } = deployment.testBus;
    [one, two] = await Promise.all([deployment.start(), deployment.start()]);
    const consumer = {
      ...{ stream: USER_CHANGES, durable: 'test', maxBatch: 100 },
      ...{ maxAttempts: 3, backoffMs: [100], key: ({ userId }: UserChanges) => userId },
    };
    await bus.consume(consumer, async (batch) => {
      for (const { message } of batch) {
        heard.set(message.userId, [...(heard.get(message.userId) ?? []), ...message.changes]);
      }
    });
  });
  afterAll(() => deployment.close());

  const set = (instance: Instance, { userId, token }: TestUser, type: string, content: object) =>
    instance.http.put(`user/${userId}/account_data/${type}`, content, token);
  const changesAfter = async ({ userId }: TestUser, afterSeq: number) =>
    (await one.server.userLog.getUserChanges({ userId, afterSeq, limit: 0 })).changes?.changes ?? [];
  const outboxIsEmpty = () =>
    eventually(async () => {
      expect((await one.db.query({ text: 'SELECT 1 FROM user_server.outbox' })).rows).toHaveLength(0);
    });

  it('are announced, published and taken out of the outbox', async () => {
    const user = await register(one.http);
    const announced: Announcement[] = [];
    const listening = await deployment.testBus.bus.listen(ANNOUNCEMENTS, (message) => announced.push(message));
    await set(one, user, 'a', { n: 1 });
    await set(two, user, 'b', { n: 2 });
    await eventually(() => expect(heard.get(user.userId)).toHaveLength(2));
    expect(heard.get(user.userId)).toEqual([
      { userSeq: 1, accountData: { roomId: '', type: 'a', contentJson: '{"n":1}' } },
      { userSeq: 2, accountData: { roomId: '', type: 'b', contentJson: '{"n":2}' } },
    ]);
    await eventually(() => expect(announced).toContainEqual({ id: user.userId, seq: 2 }));
    await outboxIsEmpty();
    await listening.stop();
  });

  it('have numbers without gaps, whoever makes them at once', async () => {
    const user = await register(one.http);
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => set(i % 2 ? one : two, user, `type-${i % 4}`, { change: i })),
    );
    await eventually(() => expect(heard.get(user.userId)).toHaveLength(40));
    const seqs = heard.get(user.userId)?.map(({ userSeq }) => userSeq);
    expect(seqs?.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    const latest = await changesAfter(user, 0);
    expect(latest.map(({ accountData }) => accountData?.type).sort()).toEqual(['type-0', 'type-1', 'type-2', 'type-3']);
    expect(latest.at(-1)?.userSeq).toBe(40);
    for (const { userSeq, accountData } of latest) {
      const published = heard.get(user.userId)?.find((change) => change.userSeq === userSeq);
      expect(published?.accountData).toEqual(accountData);
      const { body } = await two.http.get(`user/${user.userId}/account_data/${accountData?.type}`, user.token);
      expect(JSON.stringify(body)).toBe(accountData?.contentJson);
    }
  });

  it('that a dead process left behind are published by another one, once', async () => {
    const user = await register(one.http);
    await one.db.query({
      text: `INSERT INTO user_server.outbox (user_id, user_seq, room_id, type, content, created_at)
             SELECT $1, n, '!r:one.test', 'left.behind', '{}', now() - interval '1 minute'
             FROM generate_series(1, 600) n`,
      values: [user.userId],
    });
    await eventually(() => expect(heard.get(user.userId)).toHaveLength(600));
    await outboxIsEmpty();
    expect(heard.get(user.userId)?.map(({ userSeq }) => userSeq)).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
  });

  it('are read from the log after a number', async () => {
    const user = await register(one.http);
    for (const type of ['a', 'b', 'a']) await set(one, user, type, { type });
    expect((await changesAfter(user, 0)).map(({ userSeq }) => userSeq)).toEqual([2, 3]);
    expect((await changesAfter(user, 2)).map(({ userSeq }) => userSeq)).toEqual([3]);
    expect(await changesAfter(user, 3)).toEqual([]);
  });
});

describe('UserLog.getUserChanges', () => {
  let deployment: Deployment;
  let instance: Instance;
  beforeAll(async () => {
    deployment = await Deployment.create();
    instance = await deployment.start();
  });
  afterAll(() => deployment.close());

  /** Account data of so many types, as if each had been set once. */
  async function manyChanges({ userId }: TestUser, count: number, contentBytes = 2): Promise<void> {
    await instance.db.query({
      text: `INSERT INTO user_server.account_data (user_id, room_id, type, content, user_seq)
             SELECT $1, '', 'type-' || n, rpad('{', $3 - 1, ' ') || '}', n FROM generate_series(1, $2::integer) n`,
      values: [userId, count, contentBytes],
    });
  }

  const page = async (userId: string, afterSeq: number, limit: number) => {
    const answer = await instance.server.userLog.getUserChanges({ userId, afterSeq, limit });
    return { seqs: answer.changes?.changes.map(({ userSeq }) => userSeq) ?? [], more: answer.more };
  };

  it('gives a hundred thousand changes of one user in pages, each once and in order', async () => {
    const user = await register(instance.http);
    await manyChanges(user, 100_000);
    const seqs: number[] = [];
    for (let more = true; more; ) {
      const next = await page(user.userId, seqs.at(-1) ?? 0, 0);
      expect(next.seqs.length).toBeLessThanOrEqual(1_000);
      seqs.push(...next.seqs);
      more = next.more;
    }
    expect(seqs).toEqual(Array.from({ length: 100_000 }, (_, i) => i + 1));
  }, 120_000);

  it('gives as many as are asked for, and says whether there are more', async () => {
    const user = await register(instance.http);
    await manyChanges(user, 5);
    expect(await page(user.userId, 0, 2)).toEqual({ seqs: [1, 2], more: true });
    expect(await page(user.userId, 3, 2)).toEqual({ seqs: [4, 5], more: false });
    expect(await page(user.userId, 0, 5)).toEqual({ seqs: [1, 2, 3, 4, 5], more: false });
    expect(await page(user.userId, 5, 5)).toEqual({ seqs: [], more: false });
    expect(await page('@nobody:one.test', 0, 5)).toEqual({ seqs: [], more: false });
  });

  it('makes a page shorter for the size of its changes, and never empty', async () => {
    const user = await register(instance.http);
    await manyChanges(user, 7, 400_000);
    expect(await page(user.userId, 0, 0)).toEqual({ seqs: [1, 2, 3], more: true });
    expect(await page(user.userId, 6, 0)).toEqual({ seqs: [7], more: false });
    const other = await register(instance.http);
    await manyChanges(other, 2, 3_000_000);
    expect(await page(other.userId, 0, 0)).toEqual({ seqs: [1], more: true });
  });
});

describe('UserLog.listUserHeads', () => {
  let deployment: Deployment;
  let instance: Instance;
  let users: TestUser[];

  beforeAll(async () => {
    deployment = await Deployment.create();
    instance = await deployment.start();
    users = [];
    for (let i = 0; i < 5; i++) users.push(await register(instance.http, `head-${i}`));
  });
  afterAll(() => deployment.close());

  const list = (sinceCursor: number, afterUser = '', limit = 100) =>
    instance.server.userLog.listUserHeads({ sinceCursor, afterUser, limit });
  const change = ({ userId, token }: TestUser) => instance.http.put(`user/${userId}/account_data/a`, {}, token);

  it('lists those that ever changed, and from then on those that changed since', async () => {
    const nobody = await list(0);
    expect([nobody.heads, nobody.nextUser]).toEqual([[], undefined]);
    expect(nobody.cursor).toBeGreaterThan(0);
    for (const user of users) await change(user);
    const all = await list(nobody.cursor);
    expect(all.heads).toEqual(users.map(({ userId }) => ({ userId, userSeq: 1 })));
    // A cursor stays behind while any transaction of the database server is open, be it of another test.
    let quiet = all;
    await eventually(async () => {
      quiet = await list(quiet.cursor);
      expect(quiet.heads).toEqual([]);
    }, 60_000);
    await change(users[3]!);
    expect((await list(quiet.cursor)).heads).toEqual([{ userId: users[3]!.userId, userSeq: 2 }]);
  }, 90_000);

  it('goes through many in pages', async () => {
    for (const user of users) await change(user);
    const first = await list(0, '', 2);
    expect(first.heads.map(({ userId }) => userId)).toEqual(users.slice(0, 2).map(({ userId }) => userId));
    const second = await list(0, first.nextUser, 2);
    const third = await list(0, second.nextUser, 2);
    expect(third.heads.map(({ userId }) => userId)).toEqual([users[4]!.userId]);
    expect(third.nextUser).toBeUndefined();
  });

  it('never misses a change that was begun before the cursor and committed after it', async () => {
    const [early] = users;
    const committed = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const late = instance.db.transaction(async (tx) => {
      await tx.query({
        text: `UPDATE user_server.accounts SET user_seq = user_seq + 1, updated_xid = pg_current_xact_id()
               WHERE user_id = $1`,
        values: [early!.userId],
      });
      begun.resolve();
      await committed.promise;
    });
    await begun.promise;
    for (let i = 0; i < 5; i++) await change(users[1]!);
    const { cursor, heads } = await list(0);
    const before = heads.find(({ userId }) => userId === early!.userId)?.userSeq ?? 0;
    committed.resolve();
    await late;
    const after = await list(cursor);
    expect(after.heads).toContainEqual({ userId: early!.userId, userSeq: before + 1 });
  });

  it('lists everybody for a cursor that this database cannot have given', async () => {
    await change(users[0]!);
    expect((await list(Number.MAX_SAFE_INTEGER)).heads).toHaveLength(5);
  });

  it('does not list everybody for ever when the database was restored', async () => {
    await change(users[0]!);
    const future = { text: "UPDATE user_server.accounts SET updated_xid = '9000000000000000'" };
    await instance.db.query(future);
    const told = await list(0);
    expect((await list(told.cursor)).heads).toHaveLength(5);
    await deployment.start();
    expect((await list(told.cursor)).heads).toHaveLength(5);
    let { cursor } = told;
    await eventually(async () => {
      const page = await list(cursor);
      ({ cursor } = page);
      expect(page.heads).toEqual([]);
    }, 60_000);
  }, 90_000);

  it('costs an idle replica next to nothing', async () => {
    const commits = async () => {
      const text = 'SELECT xact_commit AS commits FROM pg_stat_database WHERE datname = current_database()';
      return Number((await instance.db.query<{ commits: number }>({ text })).rows[0]?.commits);
    };
    // What was done before is counted late, when the connection that did it tells.
    await eventually(async () => {
      const before = await commits();
      await sleep(3_000);
      expect((await commits()) - before).toBeLessThan(20);
    }, 30_000);
  });
});
