import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICE_NAMES } from '@ganglion/config';
import { eventually } from '@ganglion/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chartFetchedBefore } from '../src/charts/charts.ts';
import { builtBefore } from '../src/machine/build.ts';
import { HELM_4, programBuiltBefore } from '../src/machine/build-program.ts';
import { ControlPlane } from '../src/machine/control-plane.ts';
import { CHART } from './support/helm.ts';

const built = builtBefore();
if (built === undefined) {
  console.warn(
    'The chart is not given to a real API server: `npm run kube -- build` builds one, with Go 1.26 or newer',
  );
}
const describeWithKubernetes = built === undefined ? () => {} : describe;
/** Each applies objects in a way of its own. */
const HELMS: readonly (readonly [name: string, program: string])[] = [
  ['helm 3', built && join(built.bin, 'helm')] as const,
  ['helm 4', programBuiltBefore(HELM_4)] as const,
].flatMap(([name, program]) => (program === undefined ? [] : [[name, program] as const]));
const nats = chartFetchedBefore('nats');
const itWithNats = nats === undefined ? () => {} : it;

/** Everything that can be turned on. */
const ALL = {
  defaults: { autoscaling: { enabled: true } },
  services: { sync: { autoscaling: { enabled: false }, replicas: null } },
  gateway: { enabled: true, parentRefs: [{ name: 'public' }] },
  networkPolicy: { enabled: true },
  monitoring: { podMonitor: { enabled: true }, rules: { enabled: true }, dashboards: { enabled: true } },
};
const KINDS = [
  ...['deployments', 'pods', 'services', 'configmaps', 'jobs', 'serviceaccounts', 'ingresses', 'networkpolicies'],
  ...['horizontalpodautoscalers', 'poddisruptionbudgets', 'httproutes', 'podmonitors', 'prometheusrules'],
].join(',');

/** Made of what nothing here defines. */
const ELSEWHERE = ['scaledobjects'];

function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name.endsWith('s')) return `${name}es`;
  return name.endsWith('y') ? `${name.slice(0, -1)}ies` : `${name}s`;
}

it('nothing is left out that the chart may leave behind', async () => {
  const templates = join(CHART, 'templates');
  const files = (await readdir(templates)).filter((file) => file.endsWith('.yaml'));
  const texts = await Promise.all(files.map((file) => readFile(join(templates, file), 'utf8')));
  const kinds = texts.flatMap((text) => [...text.matchAll(/^\s*kind: ([A-Z][A-Za-z]+)$/gm)].map(([, kind]) => kind!));
  const made = new Set(kinds.map(pluralOf).filter((name) => !ELSEWHERE.includes(name)));
  expect([...made].filter((name) => !KINDS.split(',').includes(name))).toEqual([]);
  expect(made.size).toBeGreaterThan(8);
});

describeWithKubernetes('a real API server, in a namespace that warns of and refuses what is not restricted', () => {
  let folder: string;
  let plane: ControlPlane;
  let made = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ganglion-kube-'));
    plane = await ControlPlane.start({ built: built!, folder });
    const definitions = await readdir(built!.definitions);
    const wanted = definitions.filter((file) => /podmonitors|prometheusrules|httproutes/.test(file));
    for (const file of wanted) await plane.kubectl('create', '--filename', join(built!.definitions, file));
    await plane.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s');
  }, 120_000);

  afterAll(async () => {
    await plane?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function restrictedNamespace(): Promise<string> {
    const name = `chat-${++made}`;
    const labels = Object.fromEntries(
      ['enforce', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
    );
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    return name;
  }

  /** Installs the chart without what would have to run first, in a namespace of its own. */
  async function install(values: object, { release = 'ganglion', program = HELMS[0]![1] } = {}) {
    const namespace = await restrictedNamespace();
    const helm = async (action: string, given: object, ...flags: string[]) => {
      const file = join(folder, `${namespace}.json`);
      await writeFile(file, JSON.stringify(given));
      return plane.helmAt(program, action, release, CHART, '--namespace', namespace, '--values', file, ...flags);
    };
    const kubectl = (...args: string[]) => plane.kubectl('--namespace', namespace, ...args);
    const { stdout, stderr } = await helm('install', values, '--no-hooks');
    return {
      helm,
      kubectl,
      namespace,
      stdout,
      stderr,
      list: (path: string) => plane.api.list(path.replace('NS', namespace)),
    };
  }

  async function expectNothingOfUs(namespace: string): Promise<void> {
    const what = ['get', KINDS, '--selector=app.kubernetes.io/name=ganglion', '--output', 'name'];
    await eventually(async () => {
      expect((await plane.kubectl('--namespace', namespace, ...what)).stdout).toBe('');
    }, 60_000);
  }

  it.each([
    ['of every service', {}, 'deploy/ganglion-user-server'],
    ['of a single pod', { single: { enabled: true } }, 'deploy/ganglion-all-in-one'],
  ])(
    'says what comes next after an installation %s, and names what there is',
    async (_, values, deployment) => {
      const { stdout, namespace, list } = await install(values);
      expect(stdout).toContain(`helm test ganglion --namespace ${namespace}`);
      expect(stdout).toContain('https://matrix.example.org/_matrix/client/versions');
      const [, named] = /kubectl exec (\S+) /.exec(stdout) ?? [];
      expect(named).toBe(deployment);
      const names = (await list('/apis/apps/v1/namespaces/NS/deployments')).map(({ metadata }) => metadata.name);
      expect(names).toContain(named?.split('/')[1]);
    },
    120_000,
  );

  it('finds every pod of ours behind the policies, and who may reach the world', async () => {
    const { kubectl, list } = await install(ALL);
    const pods = async (selector: string) => {
      const { stdout } = await kubectl('get', 'pods', `--selector=${selector}`, '--output', 'json');
      const items: { metadata: { labels: Record<string, string> } }[] = JSON.parse(stdout).items;
      return [...new Set(items.map(({ metadata }) => metadata.labels['app.kubernetes.io/component']))].sort();
    };
    const selectorOf = async (name: string) => {
      const policies = await list('/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies');
      const { matchLabels, matchExpressions = [] } = policies.find(({ metadata }) => metadata.name === name)!.spec
        .podSelector;
      const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
      const among = matchExpressions.map(
        (each: { key: string; values: string[] }) => `${each.key} in (${each.values})`,
      );
      return [...equal, ...among].join(',');
    };
    await eventually(async () => {
      expect(await pods(await selectorOf('ganglion'))).toEqual([...SERVICE_NAMES].sort());
      expect(await pods(await selectorOf('ganglion-outside'))).toEqual([
        'federation-api',
        'media',
        'push',
        'user-server',
      ]);
    }, 60_000);
  }, 120_000);

  it.each(['123', 'y', 'gang.lion', 'a'.repeat(49)])(
    'takes a release called %s',
    async (release) => {
      const { list } = await install(ALL, { release });
      const selectors = (await list('/api/v1/namespaces/NS/services')).map(({ spec }) => spec.selector);
      expect(new Set(selectors.map((selector) => selector['app.kubernetes.io/instance']))).toEqual(new Set([release]));
    },
    180_000,
  );

  describe.each(HELMS)('by %s', (_, program) => {
    it('takes every object, with everything turned on, and warns of nothing', async () => {
      const { helm, kubectl, stderr, list } = await install(ALL, { program });
      expect(stderr).not.toMatch(/warn/i);
      const { stdout } = await helm('template', ALL, '--show-only', 'templates/migrate.yaml');
      const file = join(folder, 'migrate.yaml');
      await writeFile(file, stdout);
      const { stderr: ofJob } = await kubectl('create', '--filename', file, '--validate=strict');
      expect(ofJob).toBe('');
      // Pods are only made of what the namespace allows.
      await eventually(async () => {
        const pods = await list('/api/v1/namespaces/NS/pods');
        const components = pods.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/component']);
        expect([...new Set(components)].sort()).toEqual([...SERVICE_NAMES, 'migrate'].sort());
      }, 60_000);
    }, 120_000);

    it('leaves a number of replicas that somebody has set by hand as it is, when the release is upgraded', async () => {
      const { helm, kubectl, list } = await install(ALL, { program });
      await kubectl('scale', '--replicas=5', 'deployment/ganglion-sync', 'deployment/ganglion-push');
      await helm('upgrade', { ...ALL, probes: { readyGraceSeconds: 12 } }, '--no-hooks');
      const deployments = await list('/apis/apps/v1/namespaces/NS/deployments');
      const replicas = (name: string) => deployments.find(({ metadata }) => metadata.name === name)?.spec.replicas;
      expect([replicas('ganglion-sync'), replicas('ganglion-push')]).toEqual([5, 5]);
    }, 180_000);

    it('keeps nothing of a release that was uninstalled', async () => {
      const { namespace } = await install(ALL, { program });
      await plane.helmAt(program, 'uninstall', 'ganglion', '--namespace', namespace);
      await expectNothingOfUs(namespace);
    }, 120_000);

    it('keeps nothing of a release whose migration has never ended, when it is uninstalled', async () => {
      const namespace = await restrictedNamespace();
      const kubectl = (...args: string[]) => plane.kubectl('--namespace', namespace, ...args);
      const where = ['--namespace', namespace, '--timeout', '4s'];
      // Nothing runs pods here.
      await expect(plane.helmAt(program, 'install', 'ganglion', CHART, ...where)).rejects.toThrow(/pre-install/);
      expect((await kubectl('get', 'jobs', '--output', 'name')).stdout).toBe('job.batch/ganglion-migrate\n');
      await plane.helmAt(program, 'uninstall', 'ganglion', '--namespace', namespace);
      await expectNothingOfUs(namespace);
    }, 120_000);
  });

  itWithNats(
    "takes NATS of its own chart with the example's values, and warns of nothing",
    async () => {
      const namespace = await restrictedNamespace();
      const values = join(CHART, '../examples/nats.yaml');
      const said = await plane.helm('install', 'nats', nats!, '--namespace', namespace, '--values', values);
      expect(said.stderr).not.toMatch(/warn/i);
      await eventually(async () => {
        expect(await plane.api.list(`/api/v1/namespaces/${namespace}/pods`)).toHaveLength(3);
      }, 60_000);
    },
    120_000,
  );
});
