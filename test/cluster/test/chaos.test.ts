import { eventually, type Replica, startTestCluster, type TestCluster } from '@ganglion/testing';
import { Crowd } from './support/crowd.js';
import { expectOneOrder } from './support/one-order.js';
import { RoomLog } from './support/room-log.js';

/** Twenty talk and twenty read in shared rooms of a cluster in which things break. */
describe('what must never break while parts of the cluster do', () => {
  let cluster: TestCluster;
  let log: RoomLog;
  let crowd: Crowd;

  beforeAll(async () => {
    cluster = await startTestCluster();
    await cluster.explaining(async () => {
      log = await RoomLog.open(cluster.databaseUrl);
      crowd = await Crowd.gather(cluster.url);
    });
  }, 120_000);

  afterAll(async () => {
    await crowd?.disperse();
    await log?.close();
    await cluster?.close();
  }, 60_000);

  const start = (replicas: readonly Replica[]) => Promise.all(replicas.map((replica) => replica.start()));
  const kill = (replicas: readonly Replica[]) => Promise.all(replicas.map((replica) => replica.kill()));
  const replica = (service: Replica['service'], index: number) => cluster.replicasOf(service)[index] as Replica;

  /** A test after which every reader must have got the same. */
  function prove(name: string, run: () => Promise<void>): void {
    const proof = async () => {
      try {
        await run();
        await expectOneOrder(crowd, log);
      } finally {
        await start(cluster.replicas.filter(({ pid }) => pid === undefined));
      }
    };
    it(name, () => cluster.explaining(proof), 120_000);
  }

  /** A test during which everybody talks. */
  function whileAllTalk(name: string, happening: () => Promise<void>): void {
    prove(name, () => crowd.talkDuring(happening));
  }

  whileAllTalk(
    '1. Postgres is the truth, NATS only carries it: it may be killed and lose all of its files',
    async () => {
      await cluster.nats.kill();
      await crowd.progress();
      await cluster.nats.restart({ wipe: true });
      await crowd.progress();
      await cluster.nats.restart({ wipe: true });
    },
  );

  prove(
    '1. Postgres is the truth, NATS only carries it: what it has lost is read, even when nothing more is said',
    async () => {
      await kill(cluster.replicasOf('sync'));
      await crowd.sayOneThing();
      await eventually(async () => expect(await log.unpublished()).toBe(0));
      await cluster.nats.restart({ wipe: true });
      await start(cluster.replicasOf('sync'));
      await crowd.allIsRead();
    },
  );

  whileAllTalk('2. Any replica may serve any request: one of every service is killed, then the other', async () => {
    for (const index of [0, 1]) {
      const dead = cluster.replicas.filter((each) => each === cluster.replicasOf(each.service)[index]);
      await kill(dead);
      await crowd.progress();
      await start(dead);
      await crowd.progress();
    }
  });

  whileAllTalk(
    '4. Events leave through an outbox: what a room-server that died has not published, another does',
    async () => {
      for (const index of [0, 1, 0, 1]) {
        await kill([replica('room-server', index)]);
        await start([replica('room-server', index)]);
      }
      await cluster.nats.kill();
      await crowd.said();
      await kill([replica('room-server', 0)]);
      await cluster.nats.restart();
      await crowd.progress();
      await start([replica('room-server', 0)]);
    },
  );

  whileAllTalk(
    '5. A sync token never skips: whoever hands out positions is killed, and readers change replicas',
    async () => {
      const before = await log.appenderEpoch();
      for (const index of [0, 1]) {
        await kill([replica('sync', index)]);
        await crowd.progress();
        await start([replica('sync', index)]);
        await crowd.progress();
      }
      expect(await log.appenderEpoch()).toBeGreaterThan(before);
    },
  );

  whileAllTalk(
    '5. A sync token never skips: whoever hands out positions freezes, and wakes when another one does',
    async () => {
      const [first, second] = cluster.replicasOf('sync') as [Replica, Replica];
      await kill([second]);
      await crowd.progress();
      await start([second]);
      const before = await log.appenderEpoch();
      process.kill(first.pid as number, 'SIGSTOP');
      try {
        await eventually(async () => expect(await log.appenderEpoch()).toBeGreaterThan(before), 30_000);
        await crowd.said();
      } finally {
        process.kill(first.pid as number, 'SIGCONT');
      }
      await crowd.progress();
    },
  );

  it('4. Events leave through an outbox: in the end nothing is left in it', () =>
    eventually(async () => expect(await log.unpublished()).toBe(0)));
});
