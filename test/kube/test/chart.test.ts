import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALLED_SERVICES, loadConfig, parseConfig, SERVICE_NAMES } from '@ganglion/config';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { HELM_4, programBuiltBefore } from '../src/machine/build-program.ts';
import { CHART, helmBinary, type KubeObject, type Loose, type Rendered, render } from './support/helm.ts';

const DNS_LABEL = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

interface Variable {
  readonly name: string;
  readonly value: string;
}

const helm = await helmBinary();
if (helm === undefined) {
  console.warn(
    'The chart is not rendered: put helm 3 on PATH (https://helm.sh, or `go install helm.sh/helm/v3/cmd/helm@v3.19.4`)',
  );
}
const describeWithHelm = helm === undefined ? () => {} : describe;

let secret: string;

beforeAll(async () => {
  secret = join(await mkdtemp(join(tmpdir(), 'ganglion-secret-')), 'url');
  await writeFile(secret, 'postgresql://ganglion@db.example/ganglion');
});

/** The file with the database's URL is in the pod only. */
function withSecret(text: string): string {
  return text.replace('/run/secrets/database/url', secret);
}

it('the chart has every service of the house, and its schema no other', async () => {
  const values = parse(await readFile(`${CHART}/values.yaml`, 'utf8')) as { services: object };
  expect(Object.keys(values.services).sort()).toEqual([...SERVICE_NAMES].sort());
  const schema = JSON.parse(await readFile(`${CHART}/values.schema.json`, 'utf8'));
  expect(Object.keys(schema.properties.services.properties).sort()).toEqual([...SERVICE_NAMES].sort());
});

it('the chart is of the version that the program and its image are of, and that the changelog tells of', async () => {
  const { version } = JSON.parse(await readFile(`${CHART}/../../services/all-in-one/package.json`, 'utf8'));
  expect(parse(await readFile(`${CHART}/Chart.yaml`, 'utf8'))).toMatchObject({ version, appVersion: version });
  const [, latest] = /^## \[([^\]]+)\]/m.exec(await readFile(`${CHART}/../../CHANGELOG.md`, 'utf8')) ?? [];
  expect(latest).toBe(version);
});

describeWithHelm('the chart as it is', () => {
  it('is refused by a Kubernetes that does not let pods sleep before they end', async () => {
    await expect(render({}, { kubernetes: '1.29.9' })).rejects.toThrow('kubeVersion: >=1.30.0-0');
    expect((await render({}, { kubernetes: '1.30.0' })).objects).not.toEqual([]);
  });

  it('runs every service', async () => {
    const { of } = await render();
    expect(of('Deployment').map(({ metadata }) => metadata.name)).toHaveLength(SERVICE_NAMES.length);
  });

  it('writes a configuration that the services understand', async () => {
    const { one } = await render();
    const config = parseConfig(withSecret(one('ConfigMap', 'ganglion-config').data!['ganglion.yaml']!), '/');
    expect(config.rpc.endpoints['room-server']).toEqual(['dns:ganglion-room-server-rpc:9090']);
    expect(Object.keys(config.rpc.endpoints).sort()).toEqual([...CALLED_SERVICES].sort());
  });

  it('has a Service for requests where they are answered, and one for calls where others call', async () => {
    const names = (await render()).of('Service').map(({ metadata }) => metadata.name);
    expect(names).toContain('ganglion-sync');
    expect(names).not.toContain('ganglion-room-server');
    const called = names.filter((name) => name.endsWith('-rpc'));
    expect(called.sort()).toEqual(CALLED_SERVICES.map((service) => `ganglion-${service}-rpc`).sort());
  });

  it('gives a process time to start, before it asks whether it lives', async () => {
    const { of } = await render();
    for (const { spec } of of('Deployment')) {
      const { startupProbe } = spec.template.spec.containers[0];
      expect(startupProbe.periodSeconds * startupProbe.failureThreshold).toBe(300);
    }
  });

  it('migrates before anything else is there, with the new configuration and nothing that stays', async () => {
    const { of } = await render({ config: { server_names: [{ name: 'new.example' }] } });
    const job = jobAt(of('Job'), 'pre-install,pre-upgrade,pre-rollback');
    expect(job.spec.ttlSecondsAfterFinished).toBeGreaterThan(0);
    expect(job.spec.activeDeadlineSeconds).toBeGreaterThan(0);
    const pod = job.spec.template.spec;
    const env = Object.fromEntries(pod.containers[0].env.map(({ name, value }: Variable) => [name, withSecret(value)]));
    const config = loadConfig({ env });
    expect(config.server_names[0].name).toBe('new.example');
    const ours = new Set(of('ConfigMap').map(({ metadata }) => metadata.name));
    expect(pod.volumes.filter((volume: Loose) => ours.has(volume.configMap?.name))).toEqual([]);
    expect(pod.serviceAccountName).toBeUndefined();
  });

  it('has what is left of a migration go with the release, without a pod', async () => {
    const jobs = (await render()).of('Job');
    const end = jobAt(jobs, 'post-delete');
    expect(new Set(jobs.map(({ metadata }) => metadata.name))).toEqual(new Set([end.metadata.name]));
    expect(end.metadata.annotations!['helm.sh/hook-delete-policy']).toMatch(/before-hook-creation.*hook-failed/);
    expect(end.spec).toMatchObject({ completions: 0, parallelism: 0 });
  });

  it('gives no pod a token of the API server, and replaces the pods of a dead node soon', async () => {
    const { of } = await render();
    for (const { metadata, spec } of [...of('Deployment'), ...of('Job')]) {
      const pod = spec.template.spec;
      expect([metadata.name, pod.automountServiceAccountToken]).toEqual([metadata.name, false]);
    }
    for (const { spec } of of('Deployment')) {
      const { tolerations } = spec.template.spec;
      expect(tolerations.map((each: Loose) => each.tolerationSeconds)).toEqual([20, 20]);
    }
  });

  it('runs every pod as the restricted standard demands', async () => {
    const { of } = await render();
    const pods = [...of('Deployment'), ...of('Job')].map(({ spec }) => spec.template.spec);
    for (const pod of [...pods, ...of('Pod').map(({ spec }) => spec)]) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });
});

function jobAt(jobs: readonly KubeObject[], hook: string): KubeObject {
  return jobs.find(({ metadata }) => metadata.annotations!['helm.sh/hook'] === hook)!;
}

describeWithHelm('names', () => {
  it.each(['123', 'y', 'null', 'gang.lion', 'a'.repeat(49), 'b'.repeat(53)])('may be %s', async (release) => {
    const { objects } = await render({}, { release });
    for (const { kind, metadata, spec } of objects) {
      expect(metadata.name).toMatch(DNS_LABEL);
      for (const value of Object.values(metadata.labels ?? {})) expect([kind, typeof value]).toEqual([kind, 'string']);
      for (const value of Object.values(spec?.selector?.matchLabels ?? {})) expect(typeof value).toBe('string');
    }
  });

  it('stay apart when they have to be cut', async () => {
    const [one, other] = await Promise.all(
      ['1', '2'].map((end) => render({}, { release: `${'very-long-name-'.repeat(3)}${end}` })),
    );
    const names = new Set(one!.of('Service').map(({ metadata }) => metadata.name));
    expect(other!.of('Service').filter(({ metadata }) => names.has(metadata.name))).toEqual([]);
  });
});

describeWithHelm('values that are no values', () => {
  it.each([
    ['a setting of a service', { services: { sync: { replcas: 5 } } }, 'replcas'],
    ['a service', { services: { snyc: {} } }, 'snyc'],
    ['a section', { ingres: { enabled: false } }, 'ingres'],
    ['a type', { ingress: { enabled: 'yes' } }, 'enabled'],
    ['a number', { defaults: { replicas: -1 } }, 'replicas'],
    ['a setting of ganglion.yaml', { config: { rate_limit: { enabled: false } } }, 'rate_limit'],
    ['no server name', { config: { server_names: [] } }, 'server_names'],
  ])('are refused when %s is wrong', async (_, values, word) => {
    await expect(render(values)).rejects.toThrow(word);
  });
});

describeWithHelm('scaling', () => {
  it('leaves the number to whoever scales by hand when it is null', async () => {
    const { one } = await render({ services: { sync: { replicas: null } } });
    expect(one('Deployment', 'ganglion-sync').spec.replicas).toBeUndefined();
    expect(one('Deployment', 'ganglion-push').spec.replicas).toBe(2);
  });

  it('leaves it to the autoscaler where there is one', async () => {
    const autoscaling = { enabled: true, minReplicas: 3, maxReplicas: 9 };
    const { of, one } = await render({ services: { sync: { autoscaling } } });
    expect(of('HorizontalPodAutoscaler').map(({ metadata }) => metadata.name)).toEqual(['ganglion-sync']);
    expect(one('HorizontalPodAutoscaler').spec).toMatchObject({
      minReplicas: 3,
      maxReplicas: 9,
      scaleTargetRef: { kind: 'Deployment', name: 'ganglion-sync' },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 70 } } }],
    });
    expect(one('Deployment', 'ganglion-sync').spec.replicas).toBeUndefined();
  });

  it('leaves it to KEDA where there is a Prometheus to ask, by CPU and by load', async () => {
    const prometheus = 'http://prometheus:9090';
    const { of, one } = await render({ defaults: { autoscaling: { enabled: true, prometheus } } });
    expect(of('HorizontalPodAutoscaler')).toEqual([]);
    expect(of('ScaledObject')).toHaveLength(SERVICE_NAMES.length);
    const { scaleTargetRef, triggers } = one('ScaledObject', 'ganglion-sync').spec;
    expect(scaleTargetRef).toEqual({ name: 'ganglion-sync' });
    const query = 'sum(ganglion_sync_waiting_requests{namespace="chat",pod=~"ganglion-.+"})';
    expect(triggers).toEqual([
      { type: 'cpu', metricType: 'Utilization', metadata: { value: '70' } },
      { type: 'prometheus', metadata: { serverAddress: prometheus, query, threshold: '5000' } },
    ]);
    expect(one('Deployment', 'ganglion-sync').spec.replicas).toBeUndefined();
  });

  it('goes by calls in flight, by events and by servers that wait where CPU does not tell of them', async () => {
    const autoscaling = { enabled: true, prometheus: 'http://prometheus:9090' };
    const { of } = await render({ defaults: { autoscaling } });
    const loads = of('ScaledObject').flatMap(({ metadata, spec }) =>
      spec.triggers
        .filter(({ type }: Loose) => type === 'prometheus')
        .map(({ metadata: { query } }: Loose) => [metadata.name, /ganglion_[a-z_]+/.exec(query)?.[0]]),
    );
    expect(Object.fromEntries(loads)).toEqual({
      'ganglion-client-api': 'ganglion_http_request_seconds_count',
      'ganglion-federation-api': 'ganglion_federation_destinations',
      'ganglion-room-server': 'ganglion_rpc_server_seconds_sum',
      'ganglion-sync': 'ganglion_sync_waiting_requests',
      'ganglion-user-server': 'ganglion_bus_lag_messages',
    });
  });

  it('guards what has two replicas from drains, and not what has one', async () => {
    const { of } = await render({ services: { push: { replicas: 1 }, sync: { replicas: null } } });
    const guarded = of('PodDisruptionBudget').map(({ metadata }) => metadata.name);
    expect(guarded).not.toContain('ganglion-push');
    expect(guarded).not.toContain('ganglion-sync');
    expect(guarded).toContain('ganglion-room-server');
  });
});

describeWithHelm('ways in', () => {
  it('leads each path to its service, by an Ingress', async () => {
    const { one } = await render();
    const { paths } = one('Ingress').spec.rules[0].http;
    expect(serviceOf(paths, '/_matrix/client/v3/sync')).toBe('ganglion-sync');
    expect(serviceOf(paths, '/_matrix/client/v3/rooms/!a:b/messages')).toBe('ganglion-sync');
    expect(serviceOf(paths, '/_matrix/client/v3/login')).toBe('ganglion-user-server');
    expect(serviceOf(paths, '/_matrix/nothing')).toBe('ganglion-client-api');
  });

  it('leads each path to its service, by HTTPRoutes', async () => {
    const gateway = { enabled: true, parentRefs: [{ name: 'public' }], hostnames: ['matrix.example.org'] };
    const { of } = await render({ gateway, ingress: { enabled: false } });
    expect(of('Ingress')).toEqual([]);
    const routes = of('HTTPRoute');
    expect(routes.map(({ metadata }) => metadata.name)).toContain('ganglion-sync');
    const paths = routes.flatMap(({ spec }) =>
      spec.rules.flatMap(({ matches, backendRefs }: Loose) =>
        matches.map(({ path }: Loose) => ({
          path: path.type === 'PathPrefix' ? path.value : `${path.value}$`,
          backend: { service: backendRefs[0] },
        })),
      ),
    );
    expect(serviceOf(paths, '/_matrix/client/v3/sync')).toBe('ganglion-sync');
    expect(serviceOf(paths, '/_matrix/client/v3/rooms/!a:b/messages')).toBe('ganglion-sync');
    expect(serviceOf(paths, '/_matrix/client/v3/rooms/!a:b/invite')).toBe('ganglion-client-api');
    expect(serviceOf(paths, '/anything')).toBe('ganglion-client-api');
    expect(routes.every(({ spec }) => spec.rules.every(({ matches }: Loose) => matches.length <= 64))).toBe(true);
  });
});

describeWithHelm('server names', () => {
  const serverNames = ['example.org', 'two.example'];

  it('are led to their well-known files, by an Ingress', async () => {
    const { one } = await render({ ingress: { serverNames, serverNamesTlsSecret: 'certificate' } });
    const { rules, tls } = one('Ingress', 'ganglion-well-known').spec;
    expect(tls).toEqual([{ secretName: 'certificate', hosts: serverNames }]);
    expect(rules.map(({ host }: Loose) => host)).toEqual(serverNames);
    for (const { http } of rules) {
      expect(serviceOf(http.paths, '/.well-known/matrix/server')).toBe('ganglion-federation-api');
      expect(serviceOf(http.paths, '/.well-known/matrix/client')).toBe('ganglion-client-api');
      expect(http.paths.every(({ path }: Loose) => !new RegExp(`^${path}`).test('/'))).toBe(true);
    }
  });

  it('are led to their well-known files, by an HTTPRoute', async () => {
    const gateway = { enabled: true, parentRefs: [{ name: 'public' }], serverNames };
    const { hostnames, rules } = (await render({ gateway })).one('HTTPRoute', 'ganglion-well-known').spec;
    expect(hostnames).toEqual(serverNames);
    const leads = rules.map(({ matches, backendRefs }: Loose) => [matches[0].path.value, backendRefs[0].name]);
    expect(leads).toContainEqual(['/.well-known/matrix/server', 'ganglion-federation-api']);
  });
});

describeWithHelm('a single pod', () => {
  const single = { single: { enabled: true } };

  it('is all services, with a bus of its own, and never two at once', async () => {
    const { of, one } = await render(single);
    expect(of('Deployment').map(({ metadata }) => metadata.name)).toEqual(['ganglion-all-in-one']);
    const { replicas, strategy, template } = one('Deployment').spec;
    expect([replicas, strategy.type, template.spec.containers[0].args]).toEqual([1, 'Recreate', ['start']]);
    const config = parseConfig(withSecret(one('ConfigMap', 'ganglion-config').data!['ganglion.yaml']!), '/');
    expect(config.bus.kind).toBe('embedded');
    expect(of('PodDisruptionBudget')).toEqual([]);
    expect(template.spec.volumes.some((volume: Loose) => volume.persistentVolumeClaim)).toBe(true);
  });

  it('answers every path, may reach the world, and is not scaled', async () => {
    const { of, one } = await render({
      ...single,
      networkPolicy: { enabled: true },
      defaults: { autoscaling: { enabled: true } },
    });
    const backends = one('Ingress').spec.rules[0].http.paths.map(({ backend }: Loose) => backend.service.name);
    expect(new Set(backends)).toEqual(new Set(['ganglion-all-in-one']));
    const [reach] = one('NetworkPolicy', 'ganglion-outside').spec.podSelector.matchExpressions;
    expect(reach.values).toEqual(['all-in-one']);
    expect(of('HorizontalPodAutoscaler')).toEqual([]);
  });
});

/** As an ingress decides: of all that fit, the longest. */
function serviceOf(paths: readonly Loose[], path: string): string {
  const fitting = paths.filter((each) => new RegExp(`^${each.path}`).test(path));
  return fitting.sort((a, b) => b.path.length - a.path.length)[0].backend.service.name;
}

const helm4 = programBuiltBefore(HELM_4);
const itWithHelm4 = helm4 === undefined ? () => {} : it;

describeWithHelm('what can be turned on', () => {
  itWithHelm4('is the same by helm 3 and by helm 4', async () => {
    const on = { enabled: true };
    const values = {
      defaults: { autoscaling: on },
      gateway: { ...on, parentRefs: [{ name: 'public' }], serverNames: ['example.org'] },
      networkPolicy: on,
      monitoring: { podMonitor: on, rules: on, dashboards: on },
    };
    const [three, four] = await Promise.all(
      [{}, { helm: helm4! }].map((each) => render(values, { release: '123', ...each })),
    );
    const inOrder = ({ objects }: Rendered) => objects.map((each) => JSON.stringify(each)).sort();
    expect(inOrder(four!)).toEqual(inOrder(three!));
    expect(three!.objects.length).toBeGreaterThan(50);
  });

  it('lets nobody but who is named reach a pod, and only who has to reach the world', async () => {
    const networkPolicy = {
      enabled: true,
      ingressFrom: [{ namespaceSelector: { matchLabels: { role: 'ingress' } } }],
      reachTheWorld: ['federation-api'],
    };
    const { one } = await render({ networkPolicy });
    const { ingress, policyTypes } = one('NetworkPolicy', 'ganglion').spec;
    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    expect(ingress[0]).toEqual({ ports: [{ port: 'http' }], from: networkPolicy.ingressFrom });
    expect(ingress[1].from).toHaveLength(1);
    const [reach] = one('NetworkPolicy', 'ganglion-outside').spec.podSelector.matchExpressions;
    expect(reach.values).toEqual(['federation-api']);
  });

  it('is watched: a monitor, alerts with a runbook each, and four dashboards', async () => {
    const on = { enabled: true };
    const { of, one } = await render({ monitoring: { podMonitor: on, rules: on, dashboards: on } });
    expect(one('PodMonitor').spec.podMetricsEndpoints[0].port).toBe('operators');
    const { rules } = one('PrometheusRule').spec.groups[0];
    const runbooks = await readFile(new URL('../../../docs/operations/runbooks.md', import.meta.url), 'utf8');
    for (const rule of rules) {
      expect(rule.expr).toContain('namespace="chat",pod=~"ganglion-.+"');
      expect(rule.annotations.runbook_url).toBe(`docs/operations/runbooks.md#${rule.alert.toLowerCase()}`);
      expect(runbooks).toContain(`\n## ${rule.alert}\n`);
    }
    const dashboards = Object.values(one('ConfigMap', 'ganglion-dashboards').data!).map((text) => JSON.parse(text));
    expect(dashboards.map(({ title }) => title.replace('Ganglion: ', '')).sort()).toEqual([
      ...['cluster health', 'federation', 'rooms', 'sync'],
    ]);
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
    expect(of('Deployment')[0]!.spec.template.metadata.annotations['prometheus.io/scrape']).toBeUndefined();
  });

  it('passes on what an operator adds: pods of their own kind, secrets, an image by digest, more objects', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const { of, one } = await render({
      image: { repository: 'registry.example/ganglion', digest, pullSecrets: [{ name: 'pull' }] },
      defaults: { priorityClassName: 'chat', nodeSelector: { disk: 'fast' }, podLabels: { team: 'chat' } },
      services: { sync: { affinity: { nodeAffinity: {} }, podAnnotations: { note: 'yes' } } },
      extraEnv: [{ name: 'GANGLION_DATABASE__POOL_SIZE', value: '5' }],
      extraVolumes: [{ name: 'more', secret: { secretName: 'more' } }],
      extraVolumeMounts: [{ name: 'more', mountPath: '/run/secrets/more' }],
      media: { claim: '' },
      extraObjects: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: '{{ .Release.Name }}-more' } }],
    });
    const { metadata, spec } = one('Deployment', 'ganglion-sync').spec.template;
    expect(metadata.labels.team).toBe('chat');
    expect(metadata.annotations.note).toBe('yes');
    expect(spec).toMatchObject({
      priorityClassName: 'chat',
      nodeSelector: { disk: 'fast' },
      affinity: { nodeAffinity: {} },
      imagePullSecrets: [{ name: 'pull' }],
    });
    expect(spec.containers[0].image).toBe(`registry.example/ganglion@${digest}`);
    expect(spec.containers[0].env).toContainEqual({ name: 'GANGLION_DATABASE__POOL_SIZE', value: '5' });
    expect(spec.containers[0].volumeMounts).toContainEqual({ name: 'more', mountPath: '/run/secrets/more' });
    expect(one('Secret').metadata.name).toBe('ganglion-more');
    const media = one('Deployment', 'ganglion-media').spec.template.spec;
    expect(media.volumes.some((volume: Loose) => volume.persistentVolumeClaim)).toBe(false);
    expect(jobAt(of('Job'), 'pre-install,pre-upgrade,pre-rollback').spec.template.spec.nodeSelector).toEqual({
      disk: 'fast',
    });
  });
});

describeWithHelm('the examples', () => {
  const example = async (name: string) => parse(await readFile(`${CHART}/../examples/${name}.yaml`, 'utf8'));

  it.each(['small', 'production'])('of values are understood by the chart and by the services: %s', async (name) => {
    const { one } = await render(await example(name));
    const config = parseConfig(withSecret(one('ConfigMap', 'ganglion-config').data!['ganglion.yaml']!), '/');
    expect(config.server_names[0].federation_address).toBe('matrix.example.org:443');
  });

  it('of production takes the secret that CloudNativePG makes for the cluster beside it', async () => {
    const [{ one }, cluster] = await Promise.all([render(await example('production')), example('postgresql')]);
    const { volumes } = one('Deployment', 'ganglion-sync').spec.template.spec;
    const [{ secret }] = volumes.filter(({ name }: Loose) => name === 'database');
    expect(secret).toEqual({ secretName: `${cluster.metadata.name}-app`, items: [{ key: 'uri', path: 'url' }] });
  });

  it('of production leaves room for all connections of an upgrade in PostgreSQL', async () => {
    const { config } = await example('production');
    const { parameters } = (await example('postgresql')).spec.postgresql;
    const replicas = SERVICE_NAMES.length * (3 + 1);
    expect(Number(parameters.max_connections)).toBeGreaterThan(replicas * config.database.pool_size);
  });
});
