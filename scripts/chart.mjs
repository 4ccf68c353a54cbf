/**
 * Writes what is made from others for the chart: values.schema.json, the dashboards, and the table of its values in k8s/README.md.
 *
 *   node scripts/chart.mjs
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { DASHBOARDS } from './chart/dashboards.mjs';
import { referenceTable } from './chart/reference.mjs';
import { valuesSchema } from './chart/schema.mjs';
import { ROOT } from './launcher/paths.mjs';

const [BEGIN, END] = ['<!-- made by scripts/chart.mjs from values.yaml -->', '<!-- end -->'];

/** @returns {Promise<Record<string, string>>} the text of each file, by its path */
export async function chartFiles() {
  const read = (path) => readFile(join(ROOT, path), 'utf8');
  const values = await read('k8s/ganglion/values.yaml');
  const schema = valuesSchema(JSON.parse(await read('deploy/config.schema.json')), Object.keys(parse(values).services));
  const [before, rest = ''] = (await read('k8s/README.md')).split(BEGIN);
  const after = rest.slice(rest.indexOf(END));
  const dashboards = Object.entries(DASHBOARDS).map(([name, dashboard]) => {
    return [`k8s/ganglion/dashboards/${name}.json`, `${JSON.stringify(dashboard, null, 2)}\n`];
  });
  return {
    ...Object.fromEntries(dashboards),
    'k8s/ganglion/values.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
    'k8s/README.md': `${before}${BEGIN}\n${referenceTable(values)}\n${after}`,
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await chartFiles())) await writeFile(join(ROOT, path), text);
}
