/** What is to go of a room. */
export interface Purge {
  readonly purgeId: string;
  readonly roomNid: number;
  /** Live events up to this room_seq go, whatever time they claim. */
  readonly upToSeq: number;
  /** Events that have no place among the live ones go when they are not as deep … */
  readonly belowDepth: number;
  /** … or older: milliseconds since the epoch. */
  readonly beforeMs: number;
  /** Also what our users have sent. */
  readonly withLocal: boolean;
}

export interface PurgeProgress {
  readonly isComplete: boolean;
  readonly deleted: number;
}

/** A room that may have something to let go. */
export interface RetainedRoom {
  readonly roomNid: number;
  readonly roomSeq: number;
  /** Everything up to it was looked at. */
  readonly purgedSeq: number;
  /** How far the room had come at a time in the past, when that was noted. */
  readonly markSeq: number | null;
  readonly markedMs: number | null;
  /** The PDU of its m.room.retention. */
  readonly policy: string | null;
}

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
