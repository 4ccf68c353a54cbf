import { type LoadSummary, roles, type Summary } from '../types.ts';
import { barChart, type Group, spreadChart } from './chart.ts';
import { megabytes } from './format.ts';
import { type Report, tablesOf } from './report.ts';
import { style } from './style.ts';
import { element, escapeXml } from './svg.ts';
import type { Table } from './table.ts';

/** The report as one page that needs nothing else: charts first, all figures below. */
export function renderHtml(report: Report): string {
  const names = report.targets.map((target) => target.name);
  const title = names.join(' beside ');
  const body = [
    element('h1', {}, escapeXml(title)),
    element('p', { class: 'quiet' }, escapeXml(circumstances(report))),
    element('p', {}, ...names.map((name, side) => element('span', { class: `key side${side}` }, escapeXml(name)))),
    ...chartsOf(report),
    ...tablesOf(report).map(renderTable),
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeXml(title)}</title><style>${style}</style></head><body>${body.join('\n')}</body></html>\n`;
}

function circumstances({ startedAt, machine, plan }: Report): string {
  const { cpus, model, memory, node } = machine;
  const load = `${plan.rounds} rounds of ${plan.seconds} s, load generator on Node ${node}`;
  return `${startedAt} · ${cpus} × ${model}, ${megabytes(memory)} · ${load}`;
}

const writing = /^(sends|joins|replica)/;
const reading = /^(sync|messages|delivery)/;
const paced = /^(delivery|replica)/;
const shades = 'From dark to light: server, database, bus.';

function chartsOf(report: Report): string[] {
  const rate = (family: RegExp) =>
    groupsOf(
      report,
      family,
      ofLoad((load, id) => (paced.test(id) ? [] : [load.rate])),
    );
  const cpu = (family: RegExp) =>
    groupsOf(
      report,
      family,
      ofLoad(({ cpu }) => (cpu ? roles.map((role) => cpu[role]) : [])),
    );
  const spread = groupsOf(
    report,
    /./,
    ofLoad((load) => (load.done > 0 ? [load.p50, load.p95, load.p99] : [])),
  );
  const memory = groupsOf(report, /^memory/, megabytesHeld);
  return [
    section('Written a second', 'More is better.', rate(writing), barChart),
    section('Read a second', 'More is better.', rate(reading), barChart),
    section('Milliseconds until done: p50 · p95 · p99', 'Less is better; logarithmic.', spread, spreadChart),
    section('CPU milliseconds for each write', `Less is better. ${shades}`, cpu(writing), barChart),
    section('CPU milliseconds for each read', `Less is better. ${shades}`, cpu(reading), barChart),
    section('Memory in MB', `Shared pages counted once. ${shades}`, memory, barChart),
  ];
}

type Bar = (summary: Summary, id: string) => number[];

const ofLoad =
  (bar: (load: LoadSummary, id: string) => number[]): Bar =>
  (summary, id) =>
    summary.kind === 'load' ? bar(summary, id) : [];

function megabytesHeld(summary: Summary): number[] {
  const memory = summary.kind === 'memory' ? summary.memory : undefined;
  return memory ? roles.map((role) => memory[role].pss / 1e6) : [];
}

/** A group for each result of a family; one that a target has no figures for is left out. */
function groupsOf({ results }: Report, family: RegExp, bar: Bar): Group[] {
  return results
    .filter(({ id }) => family.test(id))
    .map(({ id, title, sides }) => ({ label: title, bars: sides.map((side) => bar(side, id)) }))
    .filter(({ bars }) => bars.every((values) => values.length > 0));
}

function section(title: string, note: string, groups: Group[], draw: typeof barChart): string {
  if (groups.length === 0) return '';
  const head = element('h2', {}, escapeXml(title));
  return element('section', {}, head, element('p', { class: 'quiet' }, note), draw(title, groups));
}

function renderTable({ title, head, rows }: Table): string {
  const row = (cells: string[], tag: string) => element('tr', {}, ...cells.map((cell) => cellOf(tag, cell)));
  const table = element('table', {}, row(head, 'th'), ...rows.map((cells) => row(cells, 'td')));
  return element('section', {}, element('h2', {}, escapeXml(title)), element('div', { class: 'wide' }, table));
}

function cellOf(tag: string, text: string): string {
  const kind = text === 'reached' ? 'good' : text === 'not reached' ? 'bad' : '';
  return element(tag, kind ? { class: kind } : {}, escapeXml(text));
}
