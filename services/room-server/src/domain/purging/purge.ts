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
