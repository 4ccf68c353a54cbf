import type { Report } from '../load/talk.ts';
import type { Stage } from './stage.ts';

/** Something that happens to a release; each begins where the one before has ended. */
export interface Scenario {
  readonly name: string;
  /** What happens, in a few words. */
  readonly what: string;
  /** @returns what came of the conversation during it, if there was one. @throws Error with what is wrong */
  run(stage: Stage): Promise<Report | undefined>;
}

/** @throws Error unless it holds */
export function assert(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}
