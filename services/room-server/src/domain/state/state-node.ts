/** What differs in a state from the one before it: the number of an event by that of its key, 0 where the entry is gone. */
export type StateDelta = ReadonlyMap<number, number>;

export const GONE = 0;

/** A state as a step in a line of states. */
export interface StateNode {
  readonly nid: number;
  /** How many steps stand before it in its line. */
  readonly generation: number;
  /** The state that it differs from by its delta; undefined for one that stands by itself. */
  readonly previousNid: number | undefined;
  /** A state further back in the line, of which the node's runs know all that changed since; else the previous one. */
  readonly skipNid: number | undefined;
  readonly hasRuns: boolean;
  /** Undefined for a step that is too large to keep in mind: then the runs have it. */
  readonly delta: StateDelta | undefined;
}

/** A state that is about to be stored. */
export interface NewState extends StateNode {
  readonly delta: StateDelta;
  /** All that changed since `skipNid`, when that is not the previous state or the delta is large. */
  readonly run: StateDelta | undefined;
}

/** Deltas of more entries are read by the run. */
export const LARGE_DELTA = 256;

const BASE = 8;

/**
 * How many steps the state of a generation skips: every eighth one eight, every sixty-fourth one sixty-four. A walk from
 * any state to the beginning of its line so takes at most seven steps for each power of eight.
 */
export function spanOf(generation: number): number {
  let span = 1;
  while (generation > 0 && generation % (span * BASE) === 0) span *= BASE;
  return span;
}

/** Bytes that a node takes in memory, roughly. */
export function weightOf({ delta }: StateNode): number {
  return 120 + 40 * (delta?.size ?? 0);
}
