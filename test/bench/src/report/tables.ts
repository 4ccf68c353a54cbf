import { advantage, figures, type Verdict } from '../goals.ts';
import { type LoadSummary, type Memory, type Result, roles } from '../types.ts';
import { figure, megabytes, percent, times } from './format.ts';
import type { Table } from './table.ts';

/** Everything measured on one target. */
export function detailTable(name: string, results: readonly Result[], side: number): Table {
  const rows = results.flatMap(({ title, sides }) => {
    const summary = sides[side];
    return summary?.kind === 'load' ? [[title, ...loadCells(summary)]] : [];
  });
  const head = ['', '/s', 'p50 ms', 'p95 ms', 'p99 ms', 'errors', 'CPU ms', 'database', 'load CPU'];
  return { title: name, head, rows };
}

function loadCells(load: LoadSummary): string[] {
  return [
    figure(load.rate),
    figure(load.p50),
    figure(load.p95),
    figure(load.p99),
    String(load.errors),
    figure(load.cpu?.total),
    load.cpu?.database ? figure(load.cpu.database) : '–',
    percent(load.loadShare),
  ];
}

/** What each target's processes hold in memory. */
export function memoryTable(names: readonly string[], results: readonly Result[]): Table {
  const rows = results.flatMap(({ title, sides }) =>
    sides.flatMap((summary, side) =>
      summary.kind === 'memory' && summary.memory ? [[`${names[side]}: ${title}`, ...memoryCells(summary.memory)]] : [],
    ),
  );
  const head = ['', 'server RSS', 'server PSS', 'database PSS', 'bus PSS', 'all PSS'];
  return { title: 'Memory', head, rows };
}

function memoryCells(memory: Memory): string[] {
  const all = roles.reduce((sum, role) => sum + memory[role].pss, 0);
  return [memory.server.rss, ...roles.map((role) => memory[role].pss), all].map(megabytes);
}

/** Two targets side by side; a ratio says how many times better the first one is. */
export function comparisonTable(names: readonly string[], results: readonly Result[]): Table {
  const columns = [
    { label: '/s', figure: figures.rate },
    { label: 'p50 ms', figure: figures.p50 },
    { label: 'CPU ms', figure: figures.cpu },
  ];
  const rows = results
    .filter(({ sides }) => sides[0]?.kind === 'load')
    .map(({ title, headline, sides: [first, second] }) => [
      title,
      ...columns.flatMap((column) => {
        if (column.figure === figures.rate && headline !== 'rate') return ['', '', ''];
        const value = (summary = first) => figure(summary && column.figure.of(summary));
        return [value(first), value(second), times(advantage(column.figure, first, second))];
      }),
    ]);
  const head = ['', ...columns.flatMap(({ label }) => [`A ${label}`, 'B', 'better'])];
  return { title: `A ${names[0]}, B ${names[1]}`, head, rows };
}

/** What was promised, and whether it is kept. */
export function goalTable(verdicts: readonly Verdict[]): Table {
  const rows = verdicts.map(({ text, value, isRatio, reached }) => [
    text,
    isRatio ? times(value) : percent(value),
    reached ? 'reached' : 'not reached',
  ]);
  return { title: 'Targets', head: ['', 'now', ''], rows };
}
