import { figure } from './format.ts';
import { element, label, rectangle, round } from './svg.ts';

const width = 860;
const labelWidth = 270;
const valueWidth = 140;
const barHeight = 14;
const groupGap = 12;
const span = width - labelWidth - valueWidth;

/** One thing measured, with a bar for each target; a bar is made of parts that add up. */
export interface Group {
  label: string;
  bars: number[][];
}

/** Bars that lie, all on one scale from nothing, with their sum written behind them. Parts are told apart by shade. */
export function barChart(title: string, groups: readonly Group[]): string {
  const largest = Math.max(...groups.flatMap((group) => group.bars.map(sum)), Number.MIN_VALUE);
  return chart(title, groups, (parts, side, y) => {
    let x = labelWidth;
    const drawn = parts.map((part, shade) => {
      const length = (part / largest) * span;
      x += length;
      return rectangle(x - length, y, length, barHeight - 2, `side${side} shade${shade}`);
    });
    return [...drawn, label(x + 6, y + barHeight - 4, figure(sum(parts)), 'start', 'value')].join('');
  });
}

/** From p50 over p95 to p99 of each target, on a scale on which ten times longer is always the same step. */
export function spreadChart(title: string, groups: readonly Group[]): string {
  const all = groups.flatMap((group) => group.bars.flat()).filter((value) => value > 0);
  const low = Math.log10(Math.min(...all));
  const high = Math.log10(Math.max(...all));
  const place = (value: number) => labelWidth + ((Math.log10(value) - low) / Math.max(high - low, 1)) * span;
  return chart(title, groups, (points, side, y) => {
    const [first = 1, , last = first] = points;
    const line = rectangle(place(first), y + 5, place(last) - place(first), 2, `side${side} shade1`);
    const dots = points.map((point, n) =>
      element('circle', { cx: round(place(point)), cy: y + 6, r: 5 - n, class: `side${side} shade${n}` }),
    );
    const text = points.map(figure).join(' · ');
    return [line, ...dots, label(place(last) + 8, y + barHeight - 4, text, 'start', 'value')].join('');
  });
}

function chart(
  title: string,
  groups: readonly Group[],
  draw: (bar: number[], side: number, y: number) => string,
): string {
  let y = 4;
  const drawn: string[] = [];
  for (const group of groups) {
    const height = group.bars.length * barHeight;
    drawn.push(label(labelWidth - 10, y + height / 2 + 3, group.label, 'end'));
    for (const [side, bar] of group.bars.entries()) drawn.push(draw(bar, side, y + side * barHeight));
    y += height + groupGap;
  }
  const box = { viewBox: `0 0 ${width} ${y}`, role: 'img', 'aria-label': title };
  return element('svg', box, ...drawn);
}

function sum(parts: readonly number[]): number {
  return parts.reduce((total, part) => total + part, 0);
}
