import { measureNamed } from '../src/measure/catalogue.ts';
import { runInTurns } from '../src/schedule.ts';
import type { Run } from '../src/types.ts';

describe('runInTurns', () => {
  it('alternates the targets within each measurement, and looks at memory once', async () => {
    const order: string[] = [];
    const runner = (name: string) => ({
      run: async (measure: string): Promise<Run> => {
        order.push(`${name} ${measure}`);
        const load = { kind: 'load' as const, done: 1, errors: 0, seconds: 1, latencies: [1], loadCpu: 0 };
        return measure.startsWith('memory') ? { kind: 'memory' } : load;
      },
    });
    const measures = [measureNamed('memory-idle'), measureNamed('sends-many-1')];
    const results = await runInTurns(measures, [runner('A'), runner('B')], 2);
    const [memory, sends] = ['memory-idle', 'sends-many-1'];
    const turns = ['A', 'B', 'A', 'B'].map((name) => `${name} ${sends}`);
    expect(order).toEqual([`A ${memory}`, `B ${memory}`, ...turns]);
    expect(results.map((result) => result.sides.length)).toEqual([2, 2]);
    expect(results[1]?.sides[0]).toMatchObject({ done: 2 });
  });
});
