import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { assert, type Scenario } from './scenario.ts';
import { CHART, type Stage } from './stage.ts';

/** Given to every sample by Prometheus, which knows where it has it from. */
const OF_PROMETHEUS = new Set(['namespace', 'pod', 'service', 'le']);
/** Told only where there are standbys to read from, which there are none of here. */
const OF_STANDBYS = new Set(['ganglion_database_reads_total']);
const NAME = /\b(?:ganglion|process|nodejs)_[a-z0-9_]+/g;

export const tellsMetrics: Scenario = {
  name: 'metrics',
  what: 'what dashboards and alerts ask for is there, with the labels that they ask by',
  run: (stage) =>
    stage.during(async () => {
      await stage.talkOn(5);
      const samples = await samplesOf(stage);
      for (const expression of await expressions()) {
        for (const [name] of expression.matchAll(NAME)) {
          if (OF_STANDBYS.has(name)) continue;
          const labels = samples.get(name);
          assert(labels !== undefined, `nobody tells ${name}, for which is asked by ${expression}`);
          const unknown = labelsIn(expression).filter((label) => !OF_PROMETHEUS.has(label) && !labels.has(label));
          assert(unknown.length === 0, `${name} has no label ${unknown}, for which is asked by ${expression}`);
        }
      }
    }),
};

/** The labels of each metric that some pod tells. */
async function samplesOf(stage: Stage): Promise<Map<string, Set<string>>> {
  const samples = new Map<string, Set<string>>();
  for (const { status } of await stage.pods()) {
    if (status.phase !== 'Running') continue;
    const text = await (await fetch(`http://${status.podIP}:9100/metrics`)).text();
    for (const [, name, labels = ''] of text.matchAll(/^([a-z0-9_]+)(?:\{([^}]*)\})? /gm)) {
      const known = samples.get(name as string) ?? new Set();
      for (const [, label] of labels.matchAll(/([a-z_]+)="/g)) known.add(label as string);
      samples.set(name as string, known);
    }
    // A counter without labels is told from the start; one with labels from its first event on, its kind at once.
    for (const [, name] of text.matchAll(/^# TYPE ([a-z0-9_]+) /gm))
      samples.set(name as string, samples.get(name as string) ?? ANY);
  }
  return samples;
}

/** Of what has not happened yet, nobody knows the labels. */
const ANY = Object.assign(new Set<string>(), { has: () => true });

async function expressions(): Promise<string[]> {
  const dashboard = JSON.parse(await readFile(`${CHART}/dashboards/ganglion.json`, 'utf8'));
  const panels: { targets?: { expr: string }[] }[] = dashboard.panels;
  const rules: { expr: string }[] = parseAllDocuments(await readFile(`${CHART}/rules.yaml`, 'utf8'))[0]!.toJS();
  return [...panels.flatMap(({ targets = [] }) => targets), ...rules].map(({ expr }) => expr);
}

function labelsIn(expression: string): string[] {
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(','));
  const matched = [...expression.matchAll(/([a-z_]+)(?:=|!=|=~|!~)"/g)].map(([, name = '']) => name);
  return [...grouped, ...matched].map((name) => name.trim());
}
