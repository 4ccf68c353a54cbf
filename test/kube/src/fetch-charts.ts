/**
 * Fetches the charts of NATS and CloudNativePG, to which the tests hold our examples, and writes down what CloudNativePG takes.
 *
 *   node test/kube/src/fetch-charts.ts
 */
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { chartFetchedBefore, fetchCharts } from './charts/charts.ts';
import { clusterSchema } from './charts/cluster-schema.ts';

const SCHEMA = new URL('../test/support/cloudnative-pg-cluster.json', import.meta.url);

await fetchCharts((what) => void process.stderr.write(`${what}\n`));
const schema = await clusterSchema(chartFetchedBefore('cloudnative-pg') as string);
// CloudNativePG is licensed under Apache-2.0, as we are.
await writeFile(
  SCHEMA,
  `${JSON.stringify({ $comment: 'Of CloudNativePG; made by src/fetch-charts.ts', ...schema })}\n`,
);
