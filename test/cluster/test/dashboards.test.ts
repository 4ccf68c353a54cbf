import { readFile } from 'node:fs/promises';
import { prometheusBusMetrics } from '@ganglion/bus';
import { ready } from '@ganglion/protocol';
import { Metrics } from '@ganglion/telemetry';
import { Authority, FarServer, startTestCluster, type TestCluster } from '@ganglion/testing';
import { PROMETHEUS, programBuiltBefore } from '../../kube/src/machine/build-program.ts';
import { askPrometheus } from '../../kube/src/watch/prometheus.ts';
import { NAMESPACE, questions } from '../../kube/src/watch/questions.ts';
import { type Labels, type Scrape, scrapeAll, type Told, toldIn } from '../../kube/src/watch/scrape.ts';
import { parseQuery } from '../../kube/src/watch/selectors.ts';
import { Watched } from './support/watched.js';

const ROUNDS = 2;
/** As often as Prometheus asks, however long a round takes here. */
const EVERY_MS = 30_000;
const BEGUN = Date.now() - ROUNDS * EVERY_MS;
const NOW = BEGUN + (ROUNDS - 1) * EVERY_MS + 1_000;

/** What nothing here makes happen: its labels, as those who would tell it have them. */
const NEVER = new Set([
  'ganglion_bus_retried_messages_total',
  'ganglion_bus_parked_messages_total',
  'ganglion_database_reads_total',
]);

const prometheus = programBuiltBefore(PROMETHEUS);
if (prometheus === undefined) {
  console.warn(
    'Prometheus is not asked what dashboards ask it: `npm run kube -- build` builds it, with Go 1.26 or newer',
  );
}
const describeWithPrometheus = prometheus === undefined ? () => {} : describe;
const asked = await questions();

let authority: Authority;
let far: FarServer;
let cluster: TestCluster;
let scrapes: Scrape[];
let told: Told;

beforeAll(async () => {
  await ready();
  authority = await Authority.create('the internet');
  far = await FarServer.start(authority, 'one.example');
  const { ca } = await authority.issue('one.example');
  cluster = await startTestCluster({
    settings: {
      server_names: [{ name: 'one.example' }],
      federation: { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: ca },
      database: { slow_statement_ms: 1 },
    },
  });
  await cluster.explaining(async () => {
    const watched = await Watched.begin(cluster, far);
    scrapes = [];
    for (let round = 0; round < ROUNDS; round++) {
      await watched.fail();
      await watched.round();
      scrapes.push(...(await scrapeAll(targets(), BEGUN + round * EVERY_MS)));
    }
  });
  told = new Map([...(await whatIsNeverTold()), ...toldIn(scrapes)]);
}, 300_000);

afterAll(async () => {
  await cluster?.close();
  await far?.close();
  authority?.end();
}, 60_000);

/** With the labels that the chart's PodMonitor gives them. */
function targets() {
  return cluster.replicas.map(({ service, operators }, index) => ({
    url: operators,
    labels: { namespace: NAMESPACE, service, pod: `ganglion-${service}-${index}` },
  }));
}

async function whatIsNeverTold(): Promise<Told> {
  const metrics = new Metrics();
  const bus = prometheusBusMetrics(metrics);
  bus.retried('a stream', 'a durable');
  bus.parked('a stream', 'a durable', 'poison');
  const reads = metrics.counter({ name: 'ganglion_database_reads_total', help: '-', labels: ['pool', 'outcome'] });
  reads.inc({ pool: 'a pool', outcome: 'replica' });
  const labels = { namespace: NAMESPACE, service: 'sync', pod: 'ganglion-sync-0' };
  return toldIn([{ at: 0, labels, text: await metrics.render() }]);
}

describe('what the chart asks Prometheus is told by a running cluster:', () => {
  it.each(asked.map(({ by, text }) => [by, text]))('%s', (_, text) => {
    const { selectors, by } = parseQuery(text);
    const found = selectors.map(({ metric, matchers }) => {
      const series = (told.get(metric) ?? []).filter((labels) =>
        matchers.every(({ label, fits }) => fits(labels[label] ?? '')),
      );
      return { metric, series };
    });
    expect(found.filter(({ series }) => series.length === 0).map(({ metric }) => metric)).toEqual([]);
    const has = (label: string) => found.every(({ series }) => series.some((labels: Labels) => labels[label]));
    expect(by.filter((label) => !has(label))).toEqual([]);
  });
});

it('every process tells of its version', async () => {
  const { version } = JSON.parse(
    await readFile(new URL('../../../services/all-in-one/package.json', import.meta.url), 'utf8'),
  );
  const infos = told.get('ganglion_build_info') ?? [];
  expect(new Set(infos.map(({ pod }) => pod)).size).toBe(cluster.replicas.length);
  expect(new Set(infos.map((labels) => labels.version))).toEqual(new Set([version]));
});

describeWithPrometheus('Prometheus itself has something to show:', () => {
  const measures = asked.map(({ text }) => parseQuery(text).measure);
  let answers: Awaited<ReturnType<typeof askPrometheus>>;

  beforeAll(async () => {
    answers = await askPrometheus(prometheus!, { scrapes, at: NOW, queries: measures });
  }, 60_000);

  it.each(asked.map(({ by }, index) => [by, index] as const))('%s', (_, index) => {
    const { query, error, series } = answers[index]!;
    expect([query, error]).toEqual([query, undefined]);
    const isNever = parseQuery(query).selectors.some(({ metric }) => NEVER.has(metric));
    if (!isNever) expect(series).not.toEqual([]);
  });

  it('and nothing that an alert would ring for, in a cluster that is well', async () => {
    const quiet = ['GanglionReplicaDown', 'GanglionBusLag', 'GanglionParkedMessages'];
    const queries = asked.filter(({ by }) => quiet.includes(by)).map(({ text }) => text);
    expect(queries).toHaveLength(quiet.length);
    const said = await askPrometheus(prometheus!, { scrapes, at: NOW, queries });
    expect(said.flatMap(({ series }) => series)).toEqual([]);
  });

  it('and rings for requests that fail', async () => {
    const queries = asked.filter(({ by }) => by === 'GanglionErrors').map(({ text }) => text);
    const [said] = await askPrometheus(prometheus!, { scrapes, at: NOW, queries });
    expect(said?.series.map(({ labels }) => labels.service)).toContain('client-api');
  });
});
