import type { StateChange } from '@ganglion/contracts/room';
import type { AppendBatch, AppendRoom, MembershipRow } from '../append-batch.js';
import type { TypingLists } from '../typing-lists.js';

/** How far the owners' logs have been compared with: everything older is in the read model. */
export interface AppendCursors {
  readonly roomCursor: number;
  readonly userCursor: number;
  readonly keyCursor: number;
}

export interface AppenderState extends AppendCursors {
  readonly position: number;
  /** Who is typing where, when the last term has left word of it and nothing was appended since. */
  readonly typing: TypingLists | undefined;
}

/** What an append has made of a batch. */
export interface Appended {
  /** The positions of those receipts that took effect: others are behind what was read before. */
  readonly receipts: ReadonlySet<number>;
}

/** What an entry of a room's state is now. */
export interface CurrentEntry {
  readonly roomNid: number;
  /** Undefined when nothing ever stood there. */
  readonly keyNid: number | undefined;
  readonly type: string;
  readonly stateKey: string;
  readonly eventNid: number | undefined;
  readonly membership: string | undefined;
  /** A membership that a user of ours was told of since, from outside of the room: an invite by another server, most likely. */
  readonly toldNid?: number | undefined;
}

export interface RoomEntryName {
  readonly roomNid: number;
  readonly type: string;
  readonly stateKey: string;
}

/** A change of a room's state that is too large to come with its event, by the event's room_seq. */
export interface JumpName {
  readonly roomNid: number;
  readonly roomSeq: number;
}

/** An entry of the list of what was purged of a room. */
export interface PurgeName {
  readonly roomNid: number;
  readonly purgeSeq: number;
  readonly eventNids: readonly number[];
}

/** How far a room is in the read model. */
export interface RoomReached extends Pick<AppendRoom, 'nid' | 'seq' | 'backSeq'> {
  /** Of the last entry of the list of what was purged. */
  readonly purgeSeq: number;
}

/** What a jump made of a room. */
export interface Jumped {
  readonly room: AppendRoom;
  /** Of our users whose membership it changed. */
  readonly memberships: readonly MembershipRow[];
}

/** The read model as the appender writes it. */
export interface AppendModel {
  /** Begins a term: from now on, batches of earlier epochs fail. Undefined when a later term has begun. */
  beginTerm(epoch: number): Promise<AppenderState | undefined>;
  /** Leaves word for the next term of who is typing where, as of a position. */
  leaveTyping(epoch: number, position: number, lists: TypingLists): Promise<void>;
  cursors(): Promise<AppendCursors>;
  /** Has no effect when the term is over. */
  saveCursors(epoch: number, cursors: AppendCursors): Promise<void>;
  /** Undefined when this term is over. */
  append(batch: AppendBatch, epoch: number): Promise<Appended | undefined>;
  /** Puts entries of a jump aside, until it is appended. What is there already stays. */
  stageJump(jump: JumpName, changes: readonly StateChange[]): Promise<void>;
  /** Appends a batch that ends with the event of a jump, and all of its staged entries. Undefined when this term is over. */
  appendJump(batch: AppendBatch, epoch: number, jump: JumpName): Promise<Jumped | undefined>;
  /** Appends the batch that tells of a purge, with what it comes to here. Undefined when this term is over. */
  appendPurge(batch: AppendBatch, epoch: number, purge: PurgeName): Promise<Appended | undefined>;
  /** The rooms by number, made known where they were not. */
  rooms(wanted: readonly { roomNid: number; roomId: string; roomVersion: string }[]): Promise<AppendRoom[]>;
  /** How far rooms are in the read model, by their ids. */
  roomSeqs(roomIds: readonly string[]): Promise<Map<string, RoomReached>>;
  /** The last user_seq of users in the read model. */
  userSeqs(userIds: readonly string[]): Promise<Map<string, number>>;
  /** What stands in the state now under these keys; those that never were in it are left out. */
  currentState(keys: readonly RoomEntryName[]): Promise<CurrentEntry[]>;
  /** Whether something failed because the database is away, and not because it refuses what it was given. */
  isAway(error: unknown): boolean;
}
