import { eventually } from '@ganglion/testing';
import { assert, type Scenario } from './scenario.ts';
import { NAMESPACE, RELEASE } from './stage.ts';

/** Kinds of which nothing may be left. */
const KINDS = [
  ...['deployments', 'replicasets', 'pods', 'services', 'configmaps', 'jobs', 'serviceaccounts', 'ingresses'],
  ...['horizontalpodautoscalers', 'poddisruptionbudgets', 'networkpolicies', 'secrets', 'endpointslices'],
];

export const uninstalls: Scenario = {
  name: 'uninstall',
  what: 'nothing of the chart is left',
  async run(stage) {
    await stage.end();
    await stage.cluster.plane.helm('uninstall', RELEASE, '--namespace', NAMESPACE, '--wait');
    await eventually(async () => {
      const selector = `--selector=app.kubernetes.io/instance=${RELEASE}`;
      const { stdout } = await stage.kubectl('get', KINDS.join(','), selector, '--output', 'name');
      assert(stdout.trim() === '', `is left: ${stdout.trim()}`);
    }, 90_000);
    return undefined;
  },
};
