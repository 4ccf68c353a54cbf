import type { Purge, PurgeProgress, RetainedRoom } from '../purging/purge.js';

export interface PurgeStore {
  ask(purge: Purge): Promise<void>;
  progress(purgeId: string): Promise<PurgeProgress | undefined>;
  /** Where an event stands in the room's log; undefined where it does not. */
  placeOf(roomNid: number, eventId: string): Promise<{ readonly roomSeq: number; readonly depth: number } | undefined>;
  /** The last live event, after another one, up to which all are older than a time. */
  oldUpTo(roomNid: number, afterSeq: number, beforeMs: number): Promise<number>;
  /** Whether earlier history that was fetched is older than a time. */
  hasOldHistory(roomNid: number, beforeMs: number): Promise<boolean>;
  /** Rooms by their numbers: those with a policy of their own, or all. */
  retainedRooms(all: boolean, afterRoom: number, limit: number): Promise<readonly RetainedRoom[]>;
  /** Notes how far a room is now. */
  mark(roomNid: number, roomSeq: number): Promise<void>;
  /** Does a little of what is to do; false when there is nothing. */
  step(): Promise<boolean>;
  /** Forgets purges that ended long ago. */
  forget(): Promise<void>;
}
