import { cpus, totalmem } from 'node:os';
import { judge, type Verdict } from '../goals.ts';
import type { Plan, Result, Target } from '../types.ts';
import { renderTable, type Table } from './table.ts';
import { comparisonTable, detailTable, goalTable, memoryTable } from './tables.ts';

/** All that is known at the end; what the JSON file holds. Secrets and process ids are left behind. */
export interface Report {
  startedAt: string;
  machine: { cpus: number; model: string; memory: number; node: string };
  plan: Plan;
  targets: { name: string; url: string }[];
  results: Result[];
  verdicts: Verdict[];
}

export function reportOf(startedAt: Date, plan: Plan, targets: readonly Target[], results: Result[]): Report {
  return {
    startedAt: startedAt.toISOString(),
    machine: { cpus: cpus().length, model: cpus()[0]?.model ?? '', memory: totalmem(), node: process.version },
    plan,
    targets: targets.map(({ name, url }) => ({ name, url })),
    results,
    verdicts: judge(results),
  };
}

/** The tables that say it all, without those that would be empty. */
export function tablesOf({ targets, results, verdicts }: Report): Table[] {
  const names = targets.map((target) => target.name);
  const tables = [
    ...names.map((name, side) => detailTable(name, results, side)),
    memoryTable(names, results),
    ...(names.length > 1 ? [comparisonTable(names, results)] : []),
    goalTable(verdicts),
  ];
  return tables.filter((table) => table.rows.length > 0);
}

/** The report for a terminal. */
export function renderText(report: Report): string {
  const complaints = report.results.flatMap(({ title, sides }) =>
    sides.flatMap((side) => (side.kind === 'load' && side.complaint ? [`${title}: ${side.complaint}`] : [])),
  );
  return [...tablesOf(report).map(renderTable), ...complaints].join('\n');
}
