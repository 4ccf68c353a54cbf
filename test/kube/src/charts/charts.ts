import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Charts that our examples have values for, or whose objects they are: where each is, and which release of it. */
const CHARTS = {
  nats: { repository: 'https://github.com/nats-io/k8s', tag: 'nats-2.14.2', path: 'helm/charts/nats' },
  'cloudnative-pg': {
    repository: 'https://github.com/cloudnative-pg/charts',
    tag: 'cloudnative-pg-v0.29.0',
    path: 'charts/cloudnative-pg',
  },
} as const;

type ChartName = keyof typeof CHARTS;

/** The folder of a chart, when it was fetched before. */
export function chartFetchedBefore(name: ChartName): string | undefined {
  const folder = folderOf(name);
  return existsSync(folder) ? folder : undefined;
}

/** Fetches what is not there yet, with git. @throws Error when it cannot be had */
export async function fetchCharts(say: (what: string) => void): Promise<void> {
  for (const name of Object.keys(CHARTS) as ChartName[]) {
    if (chartFetchedBefore(name) === undefined) await fetchChart(name, say);
  }
}

async function fetchChart(name: ChartName, say: (what: string) => void): Promise<void> {
  const { repository, tag, path } = CHARTS[name];
  const folder = folderOf(name);
  const half = `${folder}.${process.pid}`;
  say(`fetching ${name} of ${repository}, ${tag}`);
  try {
    await mkdir(dirname(folder), { recursive: true });
    await run('git', ['-c', 'advice.detachedHead=false', 'clone', '--depth=1', `--branch=${tag}`, repository, half]);
    await rename(join(half, path), folder);
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}

function folderOf(name: ChartName): string {
  return fileURLToPath(new URL(`../../../../.tools/charts/${CHARTS[name].tag}`, import.meta.url));
}
