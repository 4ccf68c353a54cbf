import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, OutgoingMessage, StreamDefinition } from '@ganglion/bus';
import type { UserChanges } from '@ganglion/contracts/user';
import { OutboxSweeper } from '@ganglion/service';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { userOutbox } from '../src/publish/user-outbox.js';
import { UserOutboxStore } from '../src/storage/outbox-store.js';
import { Deployment, type Instance } from './support/deployment.js';
import { register } from './support/http-client.js';

describe('what a dead process has left in the outbox', () => {
  let deployment: Deployment;
  let instance: Instance;

  beforeAll(async () => {
    deployment = await Deployment.create();
    instance = await deployment.start();
  });
  afterAll(() => deployment.close());

  /** Fifty changes from the future, so that the instance does not publish them itself. */
  async function leaveBehind(userId: string): Promise<void> {
    await instance.db.query({
      text: `INSERT INTO user_server.outbox (user_id, user_seq, room_id, type, content, created_at)
             SELECT $1, n, '', 'left.behind', '{}', now() + interval '1 hour' FROM generate_series(1, 50) n`,
      values: [userId],
    });
  }

  const sweeperTo = (publish: (changes: UserChanges) => Promise<void>) => {
    const bus = {
      publish: (_: StreamDefinition<UserChanges>, message: UserChanges) => publish(message),
      publishAll: async (_: StreamDefinition<UserChanges>, messages: readonly OutgoingMessage<UserChanges>[]) => {
        for (const { message } of messages) await publish(message);
      },
    } as unknown as Bus;
    const outbox = userOutbox(new UserOutboxStore(instance.db), new Metrics());
    return new OutboxSweeper(outbox, bus, createLogger({ level: 'silent' }), {
      abandonedAfterMs: -7_200_000,
      page: 10,
    });
  };

  it('is published in its order, however many processes find it at once, and locks nothing while the bus is waited for', async () => {
    const { userId } = await register(instance.http);
    await leaveBehind(userId);
    const published: number[] = [];
    const open: number[] = [];
    const sweeper = sweeperTo(async ({ changes: [change] }) => {
      if (change?.userSeq === 1) await sleep(200);
      const { rows } = await instance.db.query<{ open: number }>({
        text: `SELECT count(*)::integer AS open FROM pg_stat_activity
               WHERE datname = current_database() AND state = 'idle in transaction'`,
      });
      open.push(rows[0]!.open);
      published.push(change!.userSeq);
    });
    await Promise.all([sweeper.sweep(), sweeper.sweep(), sweeper.sweep()]);
    // Who came second may have said some of it again.
    expect([...new Set(published)]).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(open).toContain(0);
    const { rows } = await instance.db.query({ text: 'SELECT FROM user_server.outbox' });
    expect(rows).toHaveLength(0);
  });

  it('holds up no other user when it cannot be published', async () => {
    const [stuck, other] = [await register(instance.http), await register(instance.http)];
    await leaveBehind(stuck.userId);
    await leaveBehind(other.userId);
    const published: number[] = [];
    const sweeper = sweeperTo(async ({ userId, changes: [change] }) => {
      if (userId === stuck.userId) throw new Error('not this one');
      published.push(change!.userSeq);
    });
    await expect(sweeper.sweep()).rejects.toThrow(stuck.userId);
    expect(published).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    const { rows } = await instance.db.query({ text: 'SELECT DISTINCT user_id FROM user_server.outbox' });
    expect(rows).toEqual([{ user_id: stuck.userId }]);
  });
});
