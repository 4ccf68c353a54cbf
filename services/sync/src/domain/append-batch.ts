import type { TimelineEvent } from './timeline-event.js';

/** A room as the appender knows it. */
export interface AppendRoom {
  readonly nid: number;
  readonly roomId: string;
  readonly roomVersion: string;
  /** The last room_seq in the read model. */
  seq: number;
  /** The room's history visibility after that event. */
  visibility: string;
}

export interface StateLogEntry {
  readonly roomNid: number;
  readonly type: string;
  readonly stateKey: string;
  readonly position: number;
  readonly eventPosition: number | undefined;
  /** Of m.room.member entries. */
  readonly membership: string | undefined;
}

/** An event as it is after a redaction, of itself or of another that its `unsigned` shows. */
export interface Redaction {
  readonly eventId: string;
  readonly json: string;
  readonly fixedUnsigned: string;
}

export interface AccountDataRow {
  readonly userId: string;
  /** Empty for global account data. */
  readonly roomId: string;
  readonly type: string;
  /** A JSON object as text. */
  readonly content: string;
  readonly position: number;
}

/** What a user has read: of a whole room, or of one of its threads. */
export interface ReceiptRow {
  readonly roomNid: number;
  readonly userId: string;
  /** `m.read` or `m.read.private`. */
  readonly type: string;
  /** Empty for an unthreaded receipt. */
  readonly threadId: string;
  readonly eventId: string;
  /** Everything up to this position has been read. */
  readonly eventPosition: number;
  /** Milliseconds since the epoch. */
  readonly ts: number;
  readonly position: number;
}

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

/** What one append adds to the read model: rows at consecutive positions. */
export interface AppendBatch {
  readonly previousPosition: number;
  readonly position: number;
  readonly rooms: readonly AppendRoom[];
  readonly events: readonly TimelineEvent[];
  readonly stateLog: readonly StateLogEntry[];
  readonly redactions: readonly Redaction[];
  readonly accountData: readonly AccountDataRow[];
  readonly receipts: readonly ReceiptRow[];
  readonly typing: readonly TypingRow[];
  readonly userSeqs: readonly { readonly userId: string; readonly seq: number }[];
}
