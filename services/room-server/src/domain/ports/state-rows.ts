import type { StateDelta, StateNode } from '../state/state-node.js';

/** What states are read from. */
export interface StateRows {
  /** A state and those before it, the newest first: at least the state itself, if there is one. */
  line(roomNid: number, stateNid: number): Promise<readonly StateNode[]>;
  /** What a state has for some keys: the number of an event by that of its key. What it lacks is left out. */
  lookUp(roomNid: number, stateNid: number, keyNids: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** All entries of a state. */
  entries(roomNid: number, stateNid: number): Promise<ReadonlyMap<number, number>>;
  /** All that changed in a state since the one that it skips to. */
  run(roomNid: number, stateNid: number): Promise<StateDelta>;
}
