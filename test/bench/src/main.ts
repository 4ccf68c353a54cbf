import { writeFile } from 'node:fs/promises';
import { Crew } from './crew.ts';
import { help } from './help.ts';
import { known } from './introduce.ts';
import { catalogue } from './measure/catalogue.ts';
import type { Measure } from './measure/measure.ts';
import { type Options, parseOptions, UsageError } from './options.ts';
import { renderHtml } from './report/html.ts';
import { type Report, renderText, reportOf } from './report/report.ts';
import { runInTurns } from './schedule.ts';

/** Measures what the options ask for and returns the whole report. */
export async function bench(options: Options, say: (line: string) => void = () => {}): Promise<Report> {
  const startedAt = new Date();
  const targets = await Promise.all(options.targets.map(known));
  for (const { name, url, pids } of targets) {
    say(
      `${name} at ${url}, ${pids.length > 0 ? `processes ${pids.join(', ')}` : 'its processes are not seen from here'}`,
    );
  }
  const crews = targets.map((target) => new Crew(target, options.plan));
  try {
    const results = await runInTurns(measuresFor(options), crews, options.plan.rounds, (measure, round, side) =>
      say(`${measure.title}: ${targets[side]?.name}, round ${round + 1}`),
    );
    return reportOf(startedAt, options.plan, targets, results);
  } finally {
    for (const crew of crews) crew.dismiss();
  }
}

/** All measurements, or those asked for; an idle replica is watched only when there is one. */
function measuresFor({ only, targets }: Options): Measure[] {
  const watched = targets.some((target) => target.idlePids.length > 0);
  return catalogue.filter(({ id }) => (only.length > 0 ? only.includes(id) : id !== 'replica' || watched));
}

/** The command: 0 when everything was measured, 1 when it could not be, 2 when it was not understood. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options.help) {
      process.stdout.write(help);
      return 0;
    }
    const report = await bench(options, (line) => process.stderr.write(`${line}\n`));
    process.stdout.write(`\n${renderText(report)}\n`);
    if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (options.html) await writeFile(options.html, renderHtml(report));
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
