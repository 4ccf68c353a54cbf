import type { Measure } from './measure/measure.ts';
import { summarise } from './stats.ts';
import type { Result, Run } from './types.ts';

/** Who can run a measurement on one target. */
export interface Runner {
  run(measure: string): Promise<Run>;
}

/** Told before each round, for people who wait. */
export type Progress = (measure: Measure, round: number, side: number) => void;

/**
 * Runs the measurements one by one, and within each lets the targets take turns, A B A B: what changes on the machine
 * meanwhile then changes for both.
 */
export async function runInTurns(
  measures: readonly Measure[],
  runners: readonly Runner[],
  rounds: number,
  progress: Progress = () => {},
): Promise<Result[]> {
  const results: Result[] = [];
  for (const measure of measures) {
    const runs: Run[][] = runners.map(() => []);
    for (let round = 0; round < (measure.headline === 'memory' ? 1 : rounds); round++) {
      for (const [side, runner] of runners.entries()) {
        progress(measure, round, side);
        runs[side]?.push(await runner.run(measure.id));
      }
    }
    const { id, title, headline } = measure;
    results.push({ id, title, headline, sides: runs.map(summarise) });
  }
  return results;
}
