import { eventually } from '@ganglion/testing';
import type { Node } from '../machine/node.ts';
import { assert, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const PATIENCE_MS = 600_000;

export const nodesAreDrained: Scenario = {
  name: 'drain',
  what: 'each node in turn, as for maintenance',
  run: (stage) =>
    stage.during(async () => {
      for (const { name } of stage.cluster.nodes) {
        await stage.kubectl('drain', name, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=600s');
        assert((await podsOn(stage, name)).length === 0, `pods are left on ${name}`);
        await stage.settled();
        await stage.kubectl('uncordon', name);
      }
    }),
};

export const nodeDies: Scenario = {
  name: 'dead-node',
  what: 'one node falls silent, and what it ran is replaced elsewhere',
  run: (stage) =>
    stage.during(async () => {
      const [dead] = stage.cluster.nodes as readonly [Node];
      await dead.die();
      await eventually(async () => {
        for (const { metadata, spec, status } of await stage.deployments()) {
          const ready = (await stage.pods()).filter(
            (pod) =>
              pod.spec.nodeName !== dead.name &&
              pod.metadata.labels?.['app.kubernetes.io/component'] ===
                metadata.labels?.['app.kubernetes.io/component'] &&
              pod.status.containerStatuses?.every((each: { ready: boolean }) => each.ready),
          );
          assert(
            ready.length >= spec.replicas && status.readyReplicas >= spec.replicas,
            `${metadata.name} lacks replicas`,
          );
        }
      }, PATIENCE_MS);
      // As many as run there until it is back; then all of them are forgotten.
      assert((await podsThatEnd(stage)).length > 0, `nothing ran on ${dead.name}`);
      await dead.start();
      await eventually(async () => assert((await podsThatEnd(stage)).length === 0, 'pods do not end'), PATIENCE_MS);
    }),
};

async function podsOn(stage: Stage, node: string) {
  return (await stage.pods()).filter(({ spec }) => spec.nodeName === node);
}

async function podsThatEnd(stage: Stage) {
  return (await stage.pods()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
}
