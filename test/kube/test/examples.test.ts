import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { natsServerBinary } from '@ganglion/testing';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { chartFetchedBefore } from '../src/charts/charts.ts';
import { CHART, helmBinary, type Loose, render } from './support/helm.ts';

const run = promisify(execFile);
const EXAMPLES = `${CHART}/../examples`;
const example = async (name: string): Promise<Loose> => parse(await readFile(`${EXAMPLES}/${name}.yaml`, 'utf8'));

const nats = (await helmBinary()) === undefined ? undefined : chartFetchedBefore('nats');
if (nats === undefined) {
  console.warn("NATS' own chart is not rendered with our values: `node test/kube/src/fetch-charts.ts` fetches it");
}
const describeWithNats = nats === undefined ? () => {} : describe;

describe('the PostgreSQL of the examples', () => {
  const schemaFile = new URL('./support/cloudnative-pg-cluster.json', import.meta.url);

  async function refusals(cluster: object) {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const validate = ajv.compile(JSON.parse(await readFile(schemaFile, 'utf8')));
    validate(cluster);
    return (validate.errors ?? []).map(({ instancePath, params }) => [instancePath, params.additionalProperty]);
  }

  it('is a Cluster as CloudNativePG takes it', async () => {
    expect(await refusals(await example('postgresql'))).toEqual([]);
  });

  it('would be refused with a setting that CloudNativePG does not know', async () => {
    const cluster = await example('postgresql');
    cluster.spec.postgresql.synchronus = {};
    expect(await refusals(cluster)).toEqual([['/spec/postgresql', 'synchronus']]);
  });

  it('leaves room for shared buffers and all connections in the memory of a pod', async () => {
    const { resources, postgresql } = (await example('postgresql')).spec;
    const [memory, buffers] = [resources.limits.memory, postgresql.parameters.shared_buffers].map(Number.parseFloat);
    expect(resources.requests.memory).toBe(resources.limits.memory);
    // 400 connections of some 10 MB each.
    expect(buffers! + (Number(postgresql.parameters.max_connections) * 10) / 1024).toBeLessThan(memory!);
  });
});

describeWithNats('the NATS of the examples, made by its own chart', () => {
  const rendered = async () => render(await example('nats'), { release: 'nats', chart: nats! });

  it('is where the services of the example look for it, with as many servers as copies are wanted', async () => {
    const [{ one }, { config }] = await Promise.all([rendered(), example('production')]);
    const [service] = [one('Service', 'nats')];
    expect(config.bus.servers).toEqual([`nats://${service.metadata.name}:${service.spec.ports[0].port}`]);
    expect(one('StatefulSet').spec.replicas).toBeGreaterThanOrEqual(config.bus.replicas);
    expect(one('PodDisruptionBudget').spec.maxUnavailable).toBe(1);
  });

  it('may be in a namespace that takes only what is restricted', async () => {
    const { spec } = (await rendered()).one('StatefulSet').spec.template;
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(spec.automountServiceAccountToken).toBe(false);
    for (const { securityContext } of spec.containers) {
      expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    }
  });

  it('collects garbage before its memory is at an end', async () => {
    const { containers } = (await rendered()).one('StatefulSet').spec.template.spec;
    const { env, resources } = containers.find(({ name }: Loose) => name === 'nats');
    const limit = env.find(({ name }: Loose) => name === 'GOMEMLIMIT').value;
    expect(Number.parseFloat(limit)).toBeLessThan(1024 * Number.parseFloat(resources.limits.memory));
  });

  it('has a configuration that nats-server takes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ganglion-nats-'));
    try {
      const file = join(folder, 'nats.conf');
      const text = (await rendered()).one('ConfigMap', 'nats-config').data!['nats.conf']!;
      await writeFile(file, text);
      const { stderr } = await run(await natsServerBinary(), ['--config', file, '-t'], {
        env: { SERVER_NAME: 'nats-0' },
      });
      expect(stderr).toContain('is valid');
      expect(text).toContain('"store_dir": "/data"');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
