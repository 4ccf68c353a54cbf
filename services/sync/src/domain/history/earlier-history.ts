import type { Direction } from './room-walk.js';

/** Where something may be missing in a room, as its depths say: between two events that follow each other in its order. */
export interface Hole {
  /** Of the later one. */
  readonly above: number;
  /** Of the earlier one; below zero at the end of all that there is. */
  readonly below: number;
}

/**
 * What became of looking for more: there is more to read; there is nothing more; whoever has it could not be asked; it is still
 * on its way.
 */
export type Found = 'more' | 'nothing' | 'unreachable' | 'pending';

/** An event that may be nearer to a time than what there is. */
export interface NearTime {
  /** Milliseconds since the epoch. */
  readonly ts: number;
  /** On which side of it. */
  readonly direction: Direction;
  /** When the nearest one that there is was sent. */
  readonly knownTs: number | undefined;
}
