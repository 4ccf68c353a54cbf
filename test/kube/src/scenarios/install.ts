import { assert, type Scenario } from './scenario.ts';
import { LAST } from './stage.ts';

/** `helm install --wait` on an empty database, in a namespace that takes only what the restricted standard allows. */
export const installs: Scenario = {
  name: 'install',
  what: 'the last release on an empty database, in a restricted namespace',
  async run(stage) {
    const { stderr } = await stage.helm('install', LAST, {}, '--wait');
    assert(!/warning/i.test(stderr), `the API server warns: ${stderr}`);
    const pods = await stage.pods();
    const restarted = pods.filter(({ status }) =>
      status.containerStatuses?.some((each: { restartCount: number }) => each.restartCount > 0),
    );
    assert(restarted.length === 0, `${restarted.map(({ metadata }) => metadata.name)} had to start again`);
    await stage.cluster.plane.helm('test', 'ganglion', '--namespace', 'chat');
    return stage.during(async () => {});
  },
};
