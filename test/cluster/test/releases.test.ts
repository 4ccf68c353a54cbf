import { fileURLToPath } from 'node:url';
import { MatrixUser, type Replica, SyncReader, startTestCluster, type TestCluster } from '@ganglion/testing';
import { Crowd } from './support/crowd.js';
import { expectOneOrder } from './support/one-order.js';
import { RoomLog } from './support/room-log.js';
import { RoomServerClient } from './support/room-servers.js';

const LATER = fileURLToPath(new URL('./support/later-release.ts', import.meta.url));
const NEXT_RELEASE = [LATER, '1'];
const RELEASE_AFTER_NEXT = [LATER, '2'];

/** Twenty talk and twenty read in shared rooms of a cluster that is upgraded, and downgraded again. */
describe('what must never break while one release follows another', () => {
  let cluster: TestCluster;
  let log: RoomLog;
  let crowd: Crowd;

  beforeAll(async () => {
    cluster = await startTestCluster();
    await cluster.explaining(async () => {
      log = await RoomLog.open(cluster.databaseUrl);
      crowd = await Crowd.gather(cluster.url);
    });
  }, 180_000);

  afterAll(async () => {
    await crowd?.disperse();
    await log?.close();
    await cluster?.close();
  }, 60_000);

  const prove = (name: string, run: () => Promise<void>) => it(name, () => cluster.explaining(run), 300_000);
  const replica = (service: Replica['service'], index: number) => cluster.replicasOf(service)[index] as Replica;

  /** One replica of every service becomes one of another release. */
  async function replace(index: number, program?: readonly string[]): Promise<void> {
    const replaced = cluster.replicas.filter((each) => each === replica(each.service, index));
    await Promise.all(replaced.map((each) => each.stop()));
    await crowd.progress();
    await Promise.all(replaced.map((each) => each.start(program)));
    await crowd.progress();
  }

  /** What somebody sends at replicas of one release is read at those of the other, by a token that goes on there. */
  async function expectMessagesBothWays(): Promise<void> {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => MatrixUser.register(cluster.url, name)));
    const roomId = await alice!.createRoom({ preset: 'public_chat' });
    await bob!.join(roomId);
    for (const [from, to] of [[0, 1] as const, [1, 0] as const]) {
      const reader = new SyncReader(bob!.at(replica('sync', to).url));
      await reader.read();
      const server = new RoomServerClient(replica('room-server', from));
      const sent = [
        await alice!.at(replica('client-api', from).url).sendText(roomId, 'by way of client-api'),
        await server.send(alice!, roomId, `past routing, from ${from}`).finally(() => server.close()),
      ];
      const hasRead = () => sent.every((id) => reader.timeline(roomId).some(({ event_id }) => event_id === id));
      await reader.until(hasRead);
      const elsewhere = new SyncReader(bob!.at(replica('sync', from).url));
      elsewhere.since = reader.since;
      const last = await alice!.at(replica('client-api', to).url).sendText(roomId, 'and back');
      await elsewhere.until(() => elsewhere.timeline(roomId).length > 0);
      expect(elsewhere.timeline(roomId).map(({ event_id }) => event_id)).toEqual([last]);
    }
  }

  prove(
    '9. Rolling upgrades: a program that is newer than the schema says that it has to be migrated first',
    async () => {
      const newer = replica('room-server', 0);
      await newer.stop();
      await expect(newer.start(NEXT_RELEASE)).rejects.toThrow(
        /this program needs version \d+: run `ganglion migrate` first/,
      );
      await newer.start();
    },
  );

  prove('9. Rolling upgrades: two neighbouring releases run side by side, and one may go back', async () => {
    await crowd.talkDuring(async () => {
      await cluster.run('migrate', NEXT_RELEASE);
      await crowd.progress();
      await replace(0, NEXT_RELEASE);
      await expectMessagesBothWays();
      // A process of today's release may start anew on what the next one has made of the database.
      await replace(1);
      await replace(0);
    });
    await expectOneOrder(crowd, log);
  });

  prove(
    '9. Rolling upgrades: a program that is too old for the schema does not start, and says what to do',
    async () => {
      await cluster.run('migrate', RELEASE_AFTER_NEXT);
      const [old, next] = [0, 1].map((index) => replica('room-server', index)) as [Replica, Replica];
      await old.stop();
      const refusal =
        /works with programs that know version \d+ or later, this program knows version \d+: upgrade Ganglion/;
      await expect(old.start()).rejects.toThrow(refusal);
      await expect(cluster.run('migrate')).rejects.toThrow(refusal);
      await next.stop();
      await next.start(NEXT_RELEASE);
      await old.start(RELEASE_AFTER_NEXT);
      await crowd.sayOneThing();
      await crowd.allIsRead();
      await expectOneOrder(crowd, log);
    },
  );
});
