import { assert, type Scenario } from './scenario.ts';

/** Somebody scales by hand, which an upgrade leaves as it is where the chart's `replicas` is null. */
export const scales: Scenario = {
  name: 'scale',
  what: 'sync, room-server and client-api from two to five and back',
  run: (stage) =>
    stage.during(async () => {
      const names = ['sync', 'room-server', 'client-api'].map((service) => `deployment/ganglion-${service}`);
      for (const replicas of [5, 2]) {
        await stage.kubectl('scale', `--replicas=${replicas}`, ...names);
        await stage.settled();
        const counts = (await stage.deployments()).filter(({ metadata }) =>
          names.includes(`deployment/${metadata.name}`),
        );
        assert(
          counts.every(({ status }) => status.readyReplicas === replicas),
          `not all have ${replicas} replicas`,
        );
      }
    }),
};
