import { advantage, figures, judge } from '../src/goals.ts';
import type { LoadSummary, Result } from '../src/types.ts';

const load = (over: Partial<LoadSummary>): LoadSummary => ({
  kind: 'load',
  done: 1,
  errors: 0,
  rate: 1,
  rates: [1],
  p50: 1,
  p95: 1,
  p99: 1,
  loadShare: 0,
  ...over,
});

const result = (id: string, ...sides: Result['sides']): Result => ({ id, title: id, headline: 'rate', sides });

describe('advantage', () => {
  it('says how many times better the first is, whichever way is better', () => {
    expect(advantage(figures.rate, load({ rate: 40 }), load({ rate: 2 }))).toBe(20);
    expect(advantage(figures.p50, load({ p50: 5 }), load({ p50: 40 }))).toBe(8);
  });

  it('says nothing about what was not measured', () => {
    expect(advantage(figures.cpu, load({}), load({}))).toBeUndefined();
    expect(advantage(figures.rate, load({}), undefined)).toBeUndefined();
    expect(advantage(figures.rate, load({ rate: 0 }), load({}))).toBeUndefined();
    expect(advantage(figures.memory, load({}), { kind: 'memory' })).toBeUndefined();
  });
});

describe('judge', () => {
  it('tells a target reached from one that is not', () => {
    const results = [
      result('sends-many-64', load({ rate: 1420 }), load({ rate: 71 })),
      result('delivery', load({ p50: 20 }), load({ p50: 113 })),
    ];
    expect(judge(results).map(({ value, reached }) => [value, reached])).toEqual([
      [20, true],
      [5.65, false],
    ]);
  });

  it('is silent when there is nobody to compare with', () => {
    expect(judge([result('sends-many-64', load({ rate: 1e6 }))])).toEqual([]);
  });

  it('needs no other target for a bound', () => {
    const verdict = (idleShare: number, rate = 499) => judge([result('replica', load({ idleShare, rate }))]);
    expect(verdict(0.029)).toMatchObject([{ reached: true, isRatio: false }]);
    expect(verdict(0.03)).toMatchObject([{ reached: false }]);
    expect(verdict(0, 400)).toMatchObject([{ reached: false }]);
    expect(judge([result('replica', load({}))])).toEqual([]);
  });

  it('compares the memory of the servers without their databases', () => {
    const held = (rss: number) => ({ server: { rss, pss: rss, processes: 1 } }) as never;
    const sides = [held(100), held(143)].map((memory) => ({ kind: 'memory' as const, memory }));
    expect(judge([result('memory-idle', ...sides)])).toMatchObject([{ value: 1.43, reached: true }]);
  });
});
