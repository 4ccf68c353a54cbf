import type { AppendBatch, AppendRoom, TypingRow } from '../append-batch.js';

/** How far the owners' logs have been compared with: everything older is in the read model. */
export interface AppendCursors {
  readonly roomCursor: number;
  readonly userCursor: number;
}

export interface AppenderState extends AppendCursors {
  readonly position: number;
}

/** What the appender looks up of an event that is being replaced or redacted. */
export interface EarlierEvent {
  readonly eventId: string;
  readonly roomNid: number;
  readonly type: string;
  readonly stateKey: string | undefined;
  readonly position: number;
  readonly json: string;
  readonly fixedUnsigned: string;
  readonly membership: string | undefined;
  /** Known of those that were asked for by it. */
  readonly replacesState?: string | undefined;
}

/** The read model as the appender writes it. */
export interface AppendModel {
  /** Begins a term: from now on, batches of earlier epochs fail. Undefined when a later term has begun. */
  beginTerm(epoch: number): Promise<AppenderState | undefined>;
  /** Who is typing where, as the last term left it. */
  typing(): Promise<Omit<TypingRow, 'position'>[]>;
  cursors(): Promise<AppendCursors>;
  /** Has no effect when the term is over. */
  saveCursors(epoch: number, roomCursor: number, userCursor: number): Promise<void>;
  /** False when this term is over. */
  append(batch: AppendBatch, epoch: number): Promise<boolean>;
  /** The rooms by id, made known where they were not. */
  rooms(wanted: readonly { roomId: string; roomVersion: string }[]): Promise<AppendRoom[]>;
  /** The last room_seq of rooms in the read model. */
  roomSeqs(roomIds: readonly string[]): Promise<Map<string, number>>;
  /** The last user_seq of users in the read model. */
  userSeqs(userIds: readonly string[]): Promise<Map<string, number>>;
  /** The events that stand in the state now under these keys. */
  currentState(keys: readonly { roomNid: number; type: string; stateKey: string }[]): Promise<EarlierEvent[]>;
  events(eventIds: readonly string[]): Promise<EarlierEvent[]>;
  /** The events that came in the place of these in the state. */
  replacing(eventIds: readonly string[]): Promise<EarlierEvent[]>;
  /** Whether something failed because the database is away, and not because it refuses what it was given. */
  isAway(error: unknown): boolean;
}
