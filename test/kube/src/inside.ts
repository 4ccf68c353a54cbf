/** What `npm run kube` does within its namespaces. One argument: its options and what was built, as JSON. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Report } from './load/talk.ts';
import type { Built } from './machine/build.ts';
import { Cluster } from './machine/cluster.ts';
import { imagesOf } from './scenarios/images.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { Stage } from './scenarios/stage.ts';

interface Given {
  readonly built: Built & { readonly prometheus: string };
  readonly names: readonly string[];
  readonly pause: number;
  readonly last?: string;
  readonly image?: string;
}

const given = JSON.parse(process.argv[2] as string) as Given;
const folder = await mkdtemp(join(tmpdir(), 'ganglion-kube-'));
let failed = 0;

execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run/netns']);
await mkdir(join(folder, 'media'), { recursive: true });
const cluster = await Cluster.start(given.built, folder, await imagesOf(given, folder));
try {
  const stage = await Stage.prepare(cluster, folder, {
    pauseSeconds: given.pause,
    prometheus: given.built.prometheus,
    ...(given.last !== undefined && { last: given.last }),
  });
  for (const { name, run } of SCENARIOS.filter(({ name }) => given.names.includes(name))) {
    const begun = Date.now();
    try {
      const report = await run(stage);
      const faults = report === undefined ? [] : faultsOf(report);
      if (faults.length > 0) throw new Error(faults.join('\n'));
      tell(
        `ok    ${name.padEnd(18)} ${seconds(Date.now() - begun)}${report === undefined ? '' : `   ${summary(report)}`}`,
      );
    } catch (error) {
      failed++;
      tell(`FAIL  ${name.padEnd(18)} ${(error as Error).message}`);
    }
  }
  await stage.end();
} finally {
  await cluster.stop();
}
tell(
  `${given.names.length - failed} passed, ${failed} failed${failed > 0 ? `; what everything said is in ${join(folder, 'logs')}` : ''}`,
);
if (failed === 0) await rm(folder, { recursive: true, force: true }).catch(() => {});
process.exit(failed === 0 ? 0 : 1);

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function faultsOf({ incurable, lost, twice }: Report): string[] {
  return [
    ...incurable.slice(0, 5).map((each) => `no retry cures: ${each}`),
    ...(lost.length > 0 ? [`${lost.length} messages were lost`] : []),
    ...(twice.length > 0 ? [`${twice.length} messages came twice`] : []),
  ];
}

function summary(report: Report): string {
  const { acknowledged, troubles, longestSend, longestDelivery, answersMeanwhile, ownDelay } = report;
  const stalls = `longest send ${seconds(longestSend)}, longest delivery ${seconds(longestDelivery)}`;
  const machine = `${answersMeanwhile} answers meanwhile; processor late by ${seconds(ownDelay)}, load ${loadavg()[0]?.toFixed(0)}`;
  const tries = [...troubles].map(([what, count]) => `${count}× ${what}`).join(', ');
  const again = tries === '' ? '' : `; tried again: ${tries}`;
  return `${acknowledged} messages, 0 lost, 0 twice; ${stalls} (${machine})${again}${report.note === undefined ? '' : `; ${report.note}`}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}
