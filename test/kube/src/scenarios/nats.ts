import { assert, type Scenario } from './scenario.ts';

export const natsIsGone: Scenario = {
  name: 'nats-down',
  what: 'NATS is killed, is away for ten seconds, and comes back without its files',
  run: (stage) =>
    stage.during(async () => {
      const before = await stage.restarts();
      await stage.cluster.backing.nats.kill();
      await stage.talkOn();
      const ready = (await stage.deployments()).every(({ spec, status }) => status.readyReplicas === spec.replicas);
      assert(ready, 'replicas left service because NATS is away');
      await stage.cluster.backing.nats.restart({ wipe: true });
      await stage.talkOn();
      assert((await stage.restarts()) === before, 'pods were started again because NATS was away');
    }),
};
