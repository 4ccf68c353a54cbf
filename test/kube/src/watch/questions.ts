import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const CHART = fileURLToPath(new URL('../../../../k8s/ganglion', import.meta.url));

/** The namespace in which everything is asked for, and the pods of the release in it. */
export const NAMESPACE = 'chat';
const PODS = `namespace="${NAMESPACE}",pod=~"ganglion-.+"`;
const RATE_INTERVAL = '2m';

/** What a panel, an alert or an autoscaler asks Prometheus. */
export interface Question {
  /** Who asks, as `rooms: Messages sent`. */
  readonly by: string;
  readonly text: string;
}

/** Everything that the chart asks Prometheus, as it comes there. */
export async function questions(): Promise<Question[]> {
  return [...(await ofDashboards()), ...(await ofAlerts()), ...(await ofAutoscalers())];
}

async function ofDashboards(): Promise<Question[]> {
  const folder = join(CHART, 'dashboards');
  const found: Question[] = [];
  for (const file of await readdir(folder)) {
    const { panels } = JSON.parse(await readFile(join(folder, file), 'utf8')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    for (const { title, targets = [] } of panels) {
      const by = `${file.replace('.json', '')}: ${title}`;
      for (const { expr } of targets) {
        const text = expr.replaceAll('$namespace', NAMESPACE).replaceAll('$__rate_interval', RATE_INTERVAL);
        found.push({ by, text });
      }
    }
  }
  return found;
}

async function ofAlerts(): Promise<Question[]> {
  const rules = parse(await readFile(join(CHART, 'rules.yaml'), 'utf8')) as { alert: string; expr: string }[];
  return rules.map(({ alert, expr }) => ({ by: alert, text: expr.replaceAll('$PODS', PODS) }));
}

async function ofAutoscalers(): Promise<Question[]> {
  const values = parse(await readFile(join(CHART, 'values.yaml'), 'utf8')) as {
    services: Record<string, { autoscaling?: { load?: { query: string }[] } }>;
  };
  return Object.entries(values.services).flatMap(([service, { autoscaling }]) =>
    (autoscaling?.load ?? []).map(({ query }) => ({
      by: `autoscaler of ${service}`,
      text: query.replaceAll('$PODS', PODS),
    })),
  );
}
