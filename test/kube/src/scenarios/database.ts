import { eventually } from '@ganglion/testing';
import { assert, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const PATIENCE_MS = 60_000;

export const databaseRestarts: Scenario = {
  name: 'postgres-restart',
  what: 'PostgreSQL is restarted',
  run: (stage) =>
    stage.during(async () => {
      const before = await stage.restarts();
      await stage.cluster.backing.stopPostgres();
      await stage.cluster.backing.startPostgres();
      await untilAllServe(stage);
      assert((await stage.restarts()) === before, 'pods were started again because PostgreSQL was away');
    }),
};

export const databaseIsRestored: Scenario = {
  name: 'restore',
  what: 'the database is lost, and brought back from a backup and its archived log; NATS has lost everything',
  run: (stage) =>
    stage.during(async () => {
      const { backing } = stage.cluster;
      await backing.backUp();
      await stage.talkOn();
      await backing.restore();
      await backing.nats.restart({ wipe: true });
      await untilAllServe(stage);
    }),
};

async function untilAllServe(stage: Stage): Promise<void> {
  await eventually(async () => {
    const ready = (await stage.deployments()).every(({ spec, status }) => status.readyReplicas === spec.replicas);
    assert(ready, 'not all replicas are back in service');
  }, PATIENCE_MS);
}
