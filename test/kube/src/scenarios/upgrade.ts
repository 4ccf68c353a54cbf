import { eventually } from '@ganglion/testing';
import { assert, type Scenario } from './scenario.ts';
import { LAST, NAMESPACE, RELEASE, type Stage, THIS } from './stage.ts';

export const upgrades: Scenario = {
  name: 'upgrade',
  what: 'from the last release to this one',
  run: (stage) =>
    stage.during(async () => {
      await stage.helm('upgrade', THIS, {}, '--wait');
      await expectImages(stage, [THIS]);
    }),
};

export const rollsBack: Scenario = {
  name: 'rollback',
  what: 'back to the last release, on the database of this one',
  run: (stage) =>
    stage.during(async () => {
      await stage.cluster.plane.helm('rollback', RELEASE, '--namespace', NAMESPACE, '--wait', '--timeout', '600s');
      await expectImages(stage, [LAST]);
    }),
};

export const sideBySide: Scenario = {
  name: 'side-by-side',
  what: 'an upgrade that is paused when of each service one replica is of each release',
  run: (stage) =>
    stage.during(async () => {
      const deployments = (await stage.deployments()).map(({ metadata }) => `deployment/${metadata.name}`);
      await stage.helm('upgrade', THIS);
      // The first new pod of each is made at once; no second follows.
      for (const deployment of deployments) await stage.kubectl('rollout', 'pause', deployment);
      await eventually(() => expectImages(stage, [LAST, THIS]), 600_000);
      await stage.talkOn(stage.pauseSeconds);
      await expectImages(stage, [LAST, THIS]);
      for (const deployment of deployments) await stage.kubectl('rollout', 'resume', deployment);
      await stage.settled();
      await expectImages(stage, [THIS]);
    }),
};

export const invalidConfiguration: Scenario = {
  name: 'invalid-config',
  what: 'an upgrade to a configuration that cannot be used: nothing changes, and the reason is told',
  run: (stage) =>
    stage.during(async () => {
      const before = await generations(stage);
      const broken = { config: { server_names: [{ name: 'no name at all' }] }, 'migration.backoffLimit': 0 };
      const failed = await stage.helm('upgrade', THIS, broken, '--wait').then(
        () => undefined,
        (error: Error) => error.message,
      );
      assert(failed !== undefined, 'helm took a configuration that cannot be used');
      assert((await generations(stage)) === before, 'Deployments were changed');
      const said = await stage.logsOf(`${RELEASE}-migrate`);
      assert(said.includes('no name at all'), `the migration does not say what is wrong, but: ${said.slice(-500)}`);
      await stage.helm('upgrade', THIS, {}, '--wait');
    }),
};

async function generations(stage: Stage): Promise<string> {
  return JSON.stringify((await stage.deployments()).map(({ metadata }) => [metadata.name, metadata.generation]));
}

/** Each Deployment has ready pods of exactly these tags. */
async function expectImages(stage: Stage, tags: readonly string[]): Promise<void> {
  const pods = (await stage.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  for (const { metadata } of await stage.deployments()) {
    const component = metadata.labels?.['app.kubernetes.io/component'];
    const own = pods.filter((pod) => pod.metadata.labels?.['app.kubernetes.io/component'] === component);
    const ready = own.filter(({ status }) => status.containerStatuses?.every((each: { ready: boolean }) => each.ready));
    const found = [...new Set(ready.map(({ spec }) => spec.containers[0].image.split(':').at(-1)))].sort();
    assert(`${found}` === `${[...tags].sort()}`, `${metadata.name} runs ${found}, not ${tags}`);
  }
}
