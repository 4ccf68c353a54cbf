import type { SummarisedRoom } from '../room-summaries.js';

export interface SummarySource {
  /** Those of the rooms that we take part in. */
  rooms(roomIds: readonly string[], userId: string): Promise<SummarisedRoom[]>;
  /** The same, with no children of theirs. */
  withoutChildren(roomIds: readonly string[], userId: string): Promise<SummarisedRoom[]>;
}

/** Who may be known to whom. */
export interface VisibleUsers {
  /** Those of the candidates who have joined a room that the user has joined, too, or one that is open to everybody. */
  visibleTo(userId: string, candidates: readonly string[]): Promise<string[]>;
}
