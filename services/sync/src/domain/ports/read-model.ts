import type { AccountDataRow, AppendBatch, TypingUser } from '../append-batch.js';
import type { StateVersion, TimelineEvent } from '../timeline-event.js';

/** A room as replicas load it. */
export interface RoomRecord {
  readonly nid: number;
  readonly roomId: string;
  readonly roomVersion: string;
  readonly position: number;
}

export interface MembershipRecord extends RoomRecord {
  readonly membership: string;
  /** Of the event that brought it. */
  readonly membershipPosition: number;
  readonly ephemeral: RoomEphemeral;
}

/** What does not last of a room. */
export interface RoomEphemeral {
  /** Of the last receipt that everybody may see; 0 when there is none. */
  readonly receiptPosition: number;
  readonly typing: readonly TypingUser[];
  /** Of the last change to who is typing; 0 when there was none. */
  readonly typingPosition: number;
}

export interface Page {
  readonly roomNid: number;
  /** Positions above this one. */
  readonly above: number;
  /** Positions up to this one. */
  readonly upTo: number;
  readonly direction: 'forwards' | 'backwards';
  readonly limit: number;
}

/** What the read model answers. */
export interface ReadModel {
  position(): Promise<number>;
  /** Everything that was appended above a position, as batches. */
  batchesAbove(position: number): Promise<AppendBatch | undefined>;
  findRoom(roomId: string): Promise<RoomRecord | undefined>;
  /** The last room_seq of a room in the read model. */
  roomSeq(roomId: string): Promise<number>;
  memberships(userId: string): Promise<MembershipRecord[]>;
  /** Events of a room in the order of the direction. */
  events(page: Page): Promise<TimelineEvent[]>;
  findEvent(eventId: string): Promise<TimelineEvent | undefined>;
  /**
   * The versions of a room's state needed to tell it at any position from `from` on: of each entry the last version up to
   * `from` and all later ones, in order.
   */
  stateVersions(roomNid: number, from: number): Promise<StateVersion[]>;
  /** All versions of one entry of a room's state, in order. */
  entryVersions(roomNid: number, type: string, stateKey: string): Promise<StateVersion[]>;
  /** Remembers that a user forgot a room that they left at a position. */
  forget(userId: string, roomNid: number, leftAt: number): Promise<void>;
  /** The rooms that a user forgot, each with the position of the leaving that it stands for. */
  forgotten(userId: string): Promise<ReadonlyMap<number, number>>;
  /** Account data that changed above one position and up to another. */
  accountData(userId: string, above: number, upTo: number): Promise<AccountDataRow[]>;
}
