export interface TypingUser {
  readonly userId: string;
  /** Milliseconds since the epoch. */
  readonly untilMs: number;
}

/** Who is typing in a room from a position on. */
export interface TypingRow {
  readonly roomNid: number;
  readonly typing: readonly TypingUser[];
  readonly position: number;
}

/** What a batch changes of who is typing. */
export interface TypingChanges {
  readonly rows: readonly TypingRow[];
  /** The appender knows nothing of who was typing before: from this position on, nobody is who was. */
  readonly endsAt?: number | undefined;
}

/** Who is typing where, all there is of it. */
export interface TypingLists {
  /** Rooms that are not listed have not changed since this position, and nobody is typing there. */
  readonly from: number;
  /** Lists that have become empty are among them: somebody may have seen what they were. */
  readonly rows: readonly TypingRow[];
}
