import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { valuePaths } from '../../../scripts/chart/reference.mjs';
import { chartFiles } from '../../../scripts/chart.mjs';
import { CHART, helmBinary, render } from './support/helm.ts';

const ROOT = new URL('../../../', import.meta.url);
const describeWithHelm = (await helmBinary()) === undefined ? () => {} : describe;

const peers = [{ podSelector: {} }];
const other = { 'example.org/other': 'yes' };
const on = { enabled: true };
const scaled = { defaults: { autoscaling: on } };
const byLoad = { defaults: { autoscaling: { ...on, prometheus: 'http://prometheus:9090' } } };
const routed = { gateway: { ...on, parentRefs: [{ name: 'public' }] } };
const cut = { networkPolicy: on };

/** For every value another one, and what has to be turned on for it to count. */
const OTHERS: Readonly<Record<string, readonly [value: unknown, beside?: Tree]>> = {
  fullnameOverride: ['other'],
  'image.repository': ['registry.example/other'],
  'image.tag': ['9.9.9'],
  'image.digest': [`sha256:${'0'.repeat(64)}`],
  'image.pullPolicy': ['Always'],
  'image.pullSecrets': [[{ name: 'other' }]],
  config: [{ server_names: [{ name: 'other.example' }] }],
  'secrets.database': ['other'],
  'secrets.databaseKey': ['uri'],
  'secrets.signingKeys': ['other'],
  extraEnv: [[{ name: 'OTHER', value: 'yes' }]],
  extraVolumes: [[{ name: 'other', emptyDir: {} }]],
  extraVolumeMounts: [[{ name: 'other', mountPath: '/other' }]],
  'media.claim': ['other'],
  trustedProxies: [['192.0.2.0/24']],
  'single.enabled': [true],
  'single.resources': [{ requests: { cpu: '7' } }, { single: on }],
  'defaults.replicas': [7],
  'defaults.autoscaling.enabled': [true],
  'defaults.autoscaling.minReplicas': [3, scaled],
  'defaults.autoscaling.maxReplicas': [77, scaled],
  'defaults.autoscaling.targetCPUUtilizationPercentage': [33, scaled],
  'defaults.autoscaling.metrics': [[{ type: 'Pods', pods: { metric: { name: 'other' } } }], scaled],
  'defaults.autoscaling.prometheus': ['http://other:9090', byLoad],
  'defaults.autoscaling.load': [[{ query: 'other', forEachReplica: 7 }], byLoad],
  'defaults.autoscaling.behavior': [{ scaleUp: { stabilizationWindowSeconds: 7 } }, scaled],
  'defaults.resources': [{ limits: { memory: '7Gi' } }],
  'defaults.spreadOver': [['example.org/rack']],
  'defaults.nodeSelector': [other],
  'defaults.affinity': [{ podAffinity: {} }],
  'defaults.tolerations': [[{ key: 'other', operator: 'Exists' }]],
  'defaults.priorityClassName': ['other'],
  'defaults.podLabels': [other],
  'defaults.podAnnotations': [other],
  ...Object.fromEntries(
    ['client-api', 'federation-api', 'room-server', 'sync', 'key-server', 'media', 'push', 'user-server'].map(
      (name) => [`services.${name}`, [{ replicas: 7 }]] as const,
    ),
  ),
  'migration.backoffLimit': [7],
  'migration.activeDeadlineSeconds': [77],
  'migration.resources': [{ requests: { cpu: '7' } }],
  'probes.live': ['/health/live'],
  'probes.ready': ['/health/ready'],
  'probes.readyGraceSeconds': [60],
  'probes.startSeconds': [60],
  'ingress.enabled': [false],
  'ingress.className': ['other'],
  'ingress.host': ['other.example'],
  'ingress.tlsSecret': ['other'],
  'ingress.serverNames': [['example.org']],
  'ingress.serverNamesTlsSecret': ['other', { ingress: { serverNames: ['example.org'] } }],
  'ingress.annotations': [other],
  'gateway.enabled': [true],
  'gateway.parentRefs': [[{ name: 'other' }], routed],
  'gateway.hostnames': [['other.example'], routed],
  'gateway.serverNames': [['example.org'], routed],
  'gateway.timeouts': [{ request: '7s' }, routed],
  'networkPolicy.enabled': [true],
  'networkPolicy.ingressFrom': [peers, cut],
  'networkPolicy.monitoringFrom': [peers, cut],
  'networkPolicy.backingServices': [peers, cut],
  'networkPolicy.reachTheWorld': [['sync'], cut],
  'monitoring.podMonitor.enabled': [true],
  'monitoring.podMonitor.interval': ['7s', { monitoring: { podMonitor: on } }],
  'monitoring.podMonitor.labels': [other, { monitoring: { podMonitor: on } }],
  'monitoring.rules.enabled': [true],
  'monitoring.rules.labels': [other, { monitoring: { rules: on } }],
  'monitoring.rules.runbooks': ['https://other.example', { monitoring: { rules: on } }],
  'monitoring.dashboards.enabled': [true],
  'monitoring.dashboards.labels': [other, { monitoring: { dashboards: on } }],
  extraObjects: [[{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'other' } }]],
};

it('every value has a test', async () => {
  const values = await readFile(`${CHART}/values.yaml`, 'utf8');
  expect(Object.keys(OTHERS).sort()).toEqual([...valuePaths(values)].sort());
});

const DASHBOARDS = ['cluster', 'rooms', 'sync', 'federation'].map((name) => `k8s/ganglion/dashboards/${name}.json`);

it.each(['k8s/ganglion/values.schema.json', 'k8s/README.md', ...DASHBOARDS])(
  '%s is as `node scripts/chart.mjs` writes it',
  async (path) => {
    expect(await readFile(new URL(path, ROOT), 'utf8')).toBe((await chartFiles())[path as keyof object]);
  },
);

describeWithHelm('something changes with each value:', () => {
  const texts = new Map<string, Promise<string>>();
  const textOf = (values: object) => {
    const key = JSON.stringify(values);
    if (!texts.has(key))
      texts.set(
        key,
        render(values).then(({ objects }) => JSON.stringify(objects)),
      );
    return texts.get(key) as Promise<string>;
  };

  it.each(Object.keys(OTHERS))('%s', async (path) => {
    const [value, beside = {}] = OTHERS[path]!;
    expect(await textOf(merged(beside, nested(path.split('.'), value)))).not.toBe(await textOf(beside));
  });
});

type Tree = { [name: string]: unknown };

function nested([name, ...rest]: string[], value: unknown): Tree {
  return { [name as string]: rest.length === 0 ? value : nested(rest, value) };
}

function merged(one: Tree, two: Tree): Tree {
  const both = Object.keys(two).map((name) => {
    const [a, b] = [one[name], two[name]];
    const deep = isTree(a) && isTree(b);
    return [name, deep ? merged(a, b) : b] as const;
  });
  return { ...one, ...Object.fromEntries(both) };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
