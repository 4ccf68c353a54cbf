import type { LoadSummary, MemorySummary, Result, Summary } from './types.ts';

/** A figure of one target, taken out of its summary; undefined when it was not measured. */
export interface Figure {
  label: string;
  lowerIsBetter: boolean;
  of(summary: Summary): number | undefined;
}

const ofLoad = (pick: (load: LoadSummary) => number | undefined) => (summary: Summary) =>
  summary.kind === 'load' ? pick(summary) : undefined;

export const figures = {
  rate: { label: 'rate', lowerIsBetter: false, of: ofLoad((load) => load.rate) },
  p50: { label: 'p50', lowerIsBetter: true, of: ofLoad((load) => load.p50) },
  cpu: { label: 'CPU', lowerIsBetter: true, of: ofLoad((load) => load.cpu?.total) },
  idle: { label: 'idle replica', lowerIsBetter: true, of: ofLoad((load) => load.idleShare) },
  memory: { label: 'memory of the server itself', lowerIsBetter: true, of: (summary) => serverRss(summary) },
} satisfies Record<string, Figure>;

function serverRss(summary: Summary): number | undefined {
  const { memory } = summary as MemorySummary;
  return memory?.server.rss;
}

/** How many times better the first is than the second, or undefined when one of them is unknown or nothing at all. */
export function advantage(figure: Figure, first: Summary | undefined, second: Summary | undefined): number | undefined {
  const [mine, theirs] = [first && figure.of(first), second && figure.of(second)];
  if (!mine || !theirs) return undefined;
  return figure.lowerIsBetter ? theirs / mine : mine / theirs;
}

/** What the project has promised itself to reach against Synapse on the same machine. */
export interface Goal {
  text: string;
  result: string;
  figure: Figure;
  /** Times better than the other target. */
  ratio?: number;
  /** Or a bound that needs nobody to compare with. */
  below?: number;
  /** At no less than about this many a second. */
  atRate?: number;
}

const goals: readonly Goal[] = [
  { text: 'sends at 64 in flight ≥ 20×', result: 'sends-many-64', figure: figures.rate, ratio: 20 },
  { text: 'CPU per event ≤ 1/20', result: 'sends-many-64', figure: figures.cpu, ratio: 20 },
  { text: 'delivery ≥ 8× sooner', result: 'delivery', figure: figures.p50, ratio: 8 },
  { text: 'empty sync ≥ 15×', result: 'sync-empty', figure: figures.rate, ratio: 15 },
  { text: 'initial sync ≥ 8×', result: 'sync-initial', figure: figures.p50, ratio: 8 },
  { text: 'idle memory of the server itself ≤ theirs', result: 'memory-idle', figure: figures.memory, ratio: 1 },
  {
    text: 'an idle replica uses < 3 % of a core at 500 events/s',
    result: 'replica',
    figure: figures.idle,
    below: 0.03,
    atRate: 500,
  },
];

export interface Verdict {
  text: string;
  /** The ratio reached, or the figure itself when the goal is a bound. */
  value: number;
  isRatio: boolean;
  reached: boolean;
}

/** The goals about which this run has something to say. */
export function judge(results: readonly Result[], wanted: readonly Goal[] = goals): Verdict[] {
  return wanted.flatMap((goal) => {
    const [first, second] = results.find((result) => result.id === goal.result)?.sides ?? [];
    if (goal.below !== undefined) return judgeBound(goal, first);
    const value = advantage(goal.figure, first, second);
    if (value === undefined) return [];
    return [{ text: goal.text, value, isRatio: true, reached: value >= (goal.ratio ?? 1) }];
  });
}

/** A server that does not keep the pace has not shown that it could with idle replicas. */
const nearly = 0.95;

function judgeBound({ text, figure, below = 0, atRate = 0 }: Goal, summary: Summary | undefined): Verdict[] {
  const value = summary && figure.of(summary);
  if (value === undefined) return [];
  const rate = summary && figures.rate.of(summary);
  return [{ text, value, isRatio: false, reached: value < below && (rate ?? 0) >= atRate * nearly }];
}
