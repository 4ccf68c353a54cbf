import { setTimeout as sleep } from 'node:timers/promises';
import type { UserChangeRecord } from '../src/domain/ports.js';
import { OutboxStore } from '../src/storage/outbox-store.js';
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

  it('is published in its order, however many processes find it at once, and locks nothing while the bus is waited for', async () => {
    const { userId } = await register(instance.http);
    // From the future, so that the instance does not publish it itself.
    await instance.db.query({
      text: `INSERT INTO user_server.outbox (user_id, user_seq, room_id, type, content, created_at)
             SELECT $1, n, '', 'left.behind', '{}', now() + interval '1 hour' FROM generate_series(1, 50) n`,
      values: [userId],
    });
    const published: number[] = [];
    const open: number[] = [];
    const publish = async (changes: UserChangeRecord[]) => {
      if (changes[0]?.userSeq === 1) await sleep(200);
      const { rows } = await instance.db.query<{ open: number }>({
        text: `SELECT count(*)::integer AS open FROM pg_stat_activity
               WHERE datname = current_database() AND state = 'idle in transaction'`,
      });
      open.push(rows[0]!.open);
      published.push(...changes.map(({ userSeq }) => userSeq));
    };
    const sweep = () => new OutboxStore(instance.db).drain(-7_200_000, 10, publish);
    await Promise.all([sweep(), sweep(), sweep()]);
    while ((await sweep()) > 0) {
      // until nothing is left
    }
    // Who came second may have said some of it again.
    expect([...new Set(published)]).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(open).toContain(0);
  });
});
