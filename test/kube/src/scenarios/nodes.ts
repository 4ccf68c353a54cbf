import { eventually } from '@ganglion/testing';
import type { KubeObject } from '../machine/kube-api.ts';
import type { Node } from '../machine/node.ts';
import { assert, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const PATIENCE_MS = 600_000;

/** Controllers count a node as gone after 40 seconds of silence; on a busy machine they may be late. */
const NOTICED_WITHIN_SECONDS = 70;
/** The chart's tolerations let pods be on a dead node for 20 seconds. By default it is five minutes. */
const REPLACED_WITHIN_SECONDS = 30;

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
  what: 'one node falls silent, and what it ran is replaced elsewhere, as soon as its pods tolerate it no more',
  async run(stage) {
    let note = '';
    const report = await stage.during(async () => {
      const [dead] = stage.cluster.nodes as readonly [Node];
      const victims = await podsOn(stage, dead.name);
      assert(victims.length > 0, `nothing ran on ${dead.name}`);
      const diedAt = Date.now();
      await dead.die();
      await eventually(() => expectAllElsewhere(stage, dead.name), PATIENCE_MS);
      const servedAt = Date.now();
      const noticedAt = await whenGivenUp(stage, dead.name);
      const replacedAt = await whenEvicted(stage, dead.name);
      const noticed = (noticedAt - diedAt) / 1_000;
      const replaced = (replacedAt - noticedAt) / 1_000;
      const ready = (servedAt - replacedAt) / 1_000;
      note = `given up after ${noticed.toFixed(0)} s, its ${victims.length} pods replaced ${replaced.toFixed(0)} s later, ready ${ready.toFixed(0)} s after that`;
      assert(noticed <= NOTICED_WITHIN_SECONDS, `the node was given up after ${noticed} s`);
      assert(replaced <= REPLACED_WITHIN_SECONDS, `its pods were replaced ${replaced} s after that`);
      // They are forgotten as soon as it is back.
      await dead.start();
      await eventually(async () => assert((await podsThatEnd(stage)).length === 0, 'pods do not end'), PATIENCE_MS);
    });
    return { ...report, note };
  },
};

/** Each Deployment has as many ready pods as it wants on other nodes. */
async function expectAllElsewhere(stage: Stage, dead: string): Promise<void> {
  const pods = (await stage.pods()).filter(({ spec }) => spec.nodeName !== dead);
  for (const { metadata, spec, status } of await stage.deployments()) {
    const ready = pods.filter(
      (pod) =>
        componentOf(pod) === componentOf({ metadata }) &&
        pod.status.containerStatuses?.every((each: { ready: boolean }) => each.ready),
    );
    const enough = ready.length >= spec.replicas && status.readyReplicas >= spec.replicas;
    assert(enough, `${metadata.name} lacks replicas`);
  }
}

/** When pods were no longer to be on a node, in milliseconds since 1970, as the API server has it. */
async function whenGivenUp(stage: Stage, name: string): Promise<number> {
  const [node] = (await stage.list('/api/v1/nodes')).filter(({ metadata }) => metadata.name === name);
  const taints: readonly { key: string; effect: string; timeAdded: string }[] = node?.spec.taints ?? [];
  const taint = taints.find(({ key, effect }) => key.endsWith('/unreachable') && effect === 'NoExecute');
  assert(taint !== undefined, `${name} was never given up`);
  return Date.parse(taint.timeAdded);
}

/** When the last of its pods was told to end, which is when others are made. */
async function whenEvicted(stage: Stage, dead: string): Promise<number> {
  const times = (await podsOn(stage, dead)).map(({ metadata: { name, deletionTimestamp, ...metadata } }) => {
    assert(deletionTimestamp !== undefined, `${name} is not to end`);
    return Date.parse(deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1_000;
  });
  return Math.max(...times);
}

function componentOf({ metadata }: Pick<KubeObject, 'metadata'>): string | undefined {
  return metadata.labels?.['app.kubernetes.io/component'];
}

async function podsOn(stage: Stage, node: string) {
  return (await stage.pods()).filter(({ spec }) => spec.nodeName === node);
}

async function podsThatEnd(stage: Stage) {
  return (await stage.pods()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
}
