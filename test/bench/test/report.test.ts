import { fullPlan } from '../src/options.ts';
import { barChart, spreadChart } from '../src/report/chart.ts';
import { figure, megabytes, percent, times } from '../src/report/format.ts';
import { renderHtml } from '../src/report/html.ts';
import { type Report, renderText, reportOf } from '../src/report/report.ts';
import { element, escapeXml } from '../src/report/svg.ts';
import { renderTable } from '../src/report/table.ts';
import { summarise } from '../src/stats.ts';
import type { LoadRun, Result, Target } from '../src/types.ts';

describe('format', () => {
  it('keeps about three digits', () => {
    expect([1234.5, 99.94, 9.876, 0.001].map(figure)).toEqual(['1235', '99.9', '9.88', '0.00']);
    expect([megabytes(143e6), percent(0.03), times(20)]).toEqual(['143 MB', '3.00 %', '20.0×']);
  });

  it('shows what is unknown as a dash', () => {
    const none = [figure(undefined), figure(Number.NaN), megabytes(0), percent(undefined), times(undefined)];
    expect(new Set(none)).toEqual(new Set(['–']));
  });
});

describe('renderTable', () => {
  it('lines up figures to the right of their names', () => {
    const lines = renderTable({
      title: 'T',
      head: ['', '/s'],
      rows: [
        ['sends', '7'],
        ['a', '1234'],
      ],
    }).split('\n');
    expect(lines.slice(2)).toEqual(['         /s', '───────────', 'sends     7', 'a      1234', '']);
  });
});

describe('escapeXml', () => {
  it('leaves nothing that could open a tag, an attribute or an entity', () => {
    expect(escapeXml(`<a href="x" b='y'>&`)).not.toMatch(/[<>"']|&(?!#\d+;)/);
    expect(element('p', { title: '"' }, 'x')).toBe('<p title="&#34;">x</p>');
  });
});

describe('charts', () => {
  const widths = (svg: string) => [...svg.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]));

  it('draws bars in proportion, their parts one after the other', () => {
    const [a, b, c] = widths(barChart('t', [{ label: 'x', bars: [[10], [2, 3]] }])) as [number, number, number];
    expect(b / a).toBeCloseTo(0.2, 2);
    expect(c / a).toBeCloseTo(0.3, 2);
  });

  it('draws nothing sillily when all is nothing', () => {
    expect(barChart('t', [{ label: 'x', bars: [[0]] }])).not.toContain('NaN');
    expect(spreadChart('t', [{ label: 'x', bars: [[5, 5, 5]] }])).not.toContain('NaN');
  });

  it('makes ten times longer the same step everywhere', () => {
    const svg = spreadChart('t', [{ label: 'x', bars: [[1, 10, 100]] }]);
    const [a = 0, b = 0, c = 0] = [...svg.matchAll(/cx="([\d.]+)"/g)].map((match) => Number(match[1]));
    expect(b - a).toBeGreaterThan(10);
    expect(c - b).toBeCloseTo(b - a, 0);
  });
});

describe('a report', () => {
  const run: LoadRun = {
    kind: 'load',
    done: 2,
    errors: 1,
    seconds: 1,
    latencies: [1, 2],
    loadCpu: 0,
    complaint: '<oops>',
  };
  const results: Result[] = [
    { id: 'sends-many-64', title: 'sends', headline: 'rate', sides: [summarise([run]), summarise([run])] },
    { id: 'delivery', title: 'delivery', headline: 'p50', sides: [summarise([run]), summarise([run])] },
  ];
  const target = (name: string): Target => ({
    name,
    url: 'http://h',
    pids: [4711],
    idlePids: [],
    sharedSecret: 'hush',
  });
  const report: Report = reportOf(new Date(0), fullPlan, [target('<b>A'), target('B')], results);

  it('tells no secrets', () => {
    expect(JSON.stringify(report)).not.toMatch(/hush|4711/);
  });

  it('says what went wrong', () => {
    expect(renderText(report)).toContain('sends: <oops>');
  });

  it('compares no rates that the benchmark itself has set', () => {
    const line = renderText(report)
      .split('\n')
      .findLast((text) => text.startsWith('delivery  '));
    expect(line?.match(/×/g)).toHaveLength(1);
  });

  it('is a page that loads nothing and believes no name', () => {
    const page = renderHtml(report);
    expect(page).not.toMatch(/<b>|<oops>|src=|href=|url\(|@import|https?:/);
    expect(page.match(/<svg/g)).toHaveLength(2);
  });
});
