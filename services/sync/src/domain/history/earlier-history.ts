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

/** History that other servers have of our rooms. */
export interface EarlierHistory {
  /** Has it fetched, if there is a gap at this place. Never fails. */
  fetch(roomId: string, hole: Hole): Promise<Found>;
}
