import { percentile, summarise } from '../src/stats.ts';
import type { LoadRun, LoadSummary, Memory } from '../src/types.ts';

const run = (over: Partial<LoadRun>): LoadRun => ({
  kind: 'load',
  done: 2,
  errors: 0,
  seconds: 1,
  latencies: [1, 3],
  loadCpu: 0.1,
  ...over,
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => n + 1);

  it.each([
    [0.5, 50],
    [0.95, 95],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])('takes the value at rank %d', (share, value) => {
    expect(percentile(hundred, share)).toBe(value);
  });

  it('knows one value, and admits to none', () => {
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('summarise', () => {
  it('weighs rates by time and pools the latencies of all rounds', () => {
    const rounds = [run({ done: 4, seconds: 3, latencies: [100, 2, 30, 4] }), run({ errors: 1, complaint: 'no' })];
    const summary = summarise(rounds) as LoadSummary;
    expect(summary).toMatchObject({
      done: 6,
      errors: 1,
      rate: 1.5,
      rates: [4 / 3, 2],
      p50: 3,
      p99: 100,
      complaint: 'no',
    });
    expect(summary.loadShare).toBeCloseTo(0.05);
    expect(summary.cpu).toBeUndefined();
  });

  it('divides processor time by what was done', () => {
    const cpu = { server: 0.004, database: 0.002, bus: 0 };
    const summary = summarise([run({ cpu }), run({ cpu })]) as LoadSummary;
    expect(summary.cpu).toEqual({ server: 2, database: 1, bus: 0, total: 3 });
  });

  it('speaks of no processor time when a round did not see it', () => {
    expect(summarise([run({ cpu: { server: 1, database: 0, bus: 0 } }), run({})])).not.toHaveProperty('cpu');
  });

  it('reports the busiest round of an idle replica', () => {
    expect(summarise([run({ idleShare: 0.01 }), run({ idleShare: 0.02 })])).toMatchObject({ idleShare: 0.02 });
  });

  it('keeps the last look at memory, if there was any', () => {
    const memory = { server: { rss: 1, pss: 1, processes: 1 } } as Memory;
    expect(summarise([{ kind: 'memory' }, { kind: 'memory', memory }])).toEqual({ kind: 'memory', memory });
    expect(summarise([{ kind: 'memory' }])).toEqual({ kind: 'memory' });
  });
});
