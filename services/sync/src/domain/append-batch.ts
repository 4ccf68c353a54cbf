import type { EventText } from './event-text.js';
import type { PresenceRow } from './presence/presence.js';
import type { EventPlace } from './timeline-event.js';
import type { TypingChanges } from './typing-lists.js';

/** A room as the appender knows it. */
export interface AppendRoom {
  /** How room-server numbers the room. */
  readonly nid: number;
  readonly roomId: string;
  readonly roomVersion: string;
  /** The last room_seq in the read model. */
  seq: number;
  /** The lowest room_seq of those that were backfilled; 0 when none was. */
  backSeq: number;
  /** How many are joined and invited, after the change at `membersPosition`. */
  joined: number;
  invited: number;
  /** Of the last change of a membership; 0 when there was none. */
  membersPosition: number;
  /** When something that relates to another event was appended last; 0 when nothing was. */
  relationsPosition: number;
  /**
   * From where on its members are known: 0 where they always were, NOT_WHOLE where most of them are not yet. Not there in batches
   * of the release before.
   */
  wholeFrom?: number | undefined;
}

/** Above all positions. */
export const NOT_WHOLE = Number.MAX_SAFE_INTEGER;

/** That an event relates to another one of its room. */
export interface RelationRow {
  readonly roomNid: number;
  /** Of the child; below zero when it was backfilled. */
  readonly position: number;
  readonly depth: number;
  readonly eventNid: number;
  readonly eventId: string;
  readonly parentId: string;
  readonly relType: string;
  readonly type: string;
  readonly sender: string;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
}

/** An event that takes its place in a room. */
export interface AppendedEvent extends EventPlace {
  /** Missing where the batch was read from the database. */
  readonly text?: EventText | undefined;
  /** Where its appending stands in the trace of the request that made it, while that is recorded. */
  readonly traceparent?: string | undefined;
}

/** A change to a room's state that comes with an event. */
export interface StateLogEntry {
  readonly roomNid: number;
  /** How room-server numbers the pair of type and state key within the room. */
  readonly keyNid: number;
  readonly type: string;
  readonly stateKey: string;
  readonly position: number;
  /** Undefined when the entry vanished. It may be an event that is not in the timeline. */
  readonly eventNid: number | undefined;
  /** Of m.room.member entries. */
  readonly membership: string | undefined;
}

/** An entry that is new in a room's state, or a member who comes or goes. */
export interface StateKeyRow {
  readonly roomNid: number;
  readonly keyNid: number;
  readonly type: string;
  readonly stateKey: string;
  /** Since when a member is joined or invited; undefined while they are not, and for all other entries. */
  readonly presentSince: number | undefined;
}

/** That a room's state changed from a position on by more than a batch tells. Memberships of our users are told. */
export interface StateJump {
  readonly roomNid: number;
  readonly position: number;
}

/** That an event has another text from now on, as it was redacted. */
export interface Redaction {
  readonly roomNid: number;
  readonly eventNid: number;
  /** Where it is told, when the redaction itself was backfilled and has no position. */
  readonly position?: number | undefined;
}

/** That events of a room are gone for good, and whoever has them in memory lets them go. */
export interface RoomPurge {
  readonly roomNid: number;
  readonly position: number;
  /** Undefined where a batch is told by the database. */
  readonly eventNids?: readonly number[] | undefined;
}

/** That older events have come into a room: they have no positions, and are told of at one. */
export interface RoomBackfill {
  readonly roomNid: number;
  readonly position: number;
}

/** What one of our users is in a room. */
export interface MembershipRow {
  readonly userId: string;
  readonly roomNid: number;
  readonly membership: string;
  readonly position: number;
  /** From where on they have had this membership; undefined where that is so since before the batch, or may be. */
  readonly since: number | undefined;
  /** Undefined when the entry vanished from the room's state. */
  readonly eventNid: number | undefined;
  /** A JSON array: what is known of a room that we are not in. */
  readonly strippedState: string | undefined;
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

/** A message in the inbox of a device. */
export interface DeviceMessageRow {
  readonly userId: string;
  readonly deviceId: string;
  readonly position: number;
  readonly messageNid: number;
  /** In characters. */
  readonly size: number;
}

/** That keys of a user changed. */
export interface KeyChangeRow {
  readonly userId: string;
  /** In key-server's log of the user. */
  readonly seq: number;
  readonly position: number;
  /** Whether anybody else can see it. */
  readonly listChanged: boolean;
  /** Whom the user has signed, which their own devices alone can see. */
  readonly signedUserIds: readonly string[];
  /** Where those are who can see it: rooms that the user is joined or invited to. */
  readonly roomNids: readonly number[];
}

/** What one append adds to the read model: rows at consecutive positions. */
export interface AppendBatch {
  readonly previousPosition: number;
  readonly position: number;
  /** Of the term that it was appended in; undefined where a batch is told by the database. */
  readonly epoch?: number | undefined;
  readonly rooms: readonly AppendRoom[];
  readonly events: readonly AppendedEvent[];
  /** Older events that have come meanwhile: they take no position. */
  readonly backfilled: readonly EventPlace[];
  readonly stateKeys: readonly StateKeyRow[];
  readonly stateLog: readonly StateLogEntry[];
  readonly jumps: readonly StateJump[];
  readonly redactions: readonly Redaction[];
  readonly purges: readonly RoomPurge[];
  /** Undefined where an appender of the release before has not told. */
  readonly backfills?: readonly RoomBackfill[] | undefined;
  /** For the database alone: replicas hear from their rooms that there are some. */
  readonly relations: readonly RelationRow[];
  /** Of each user and room the last change. */
  readonly memberships: readonly MembershipRow[];
  readonly accountData: readonly AccountDataRow[];
  readonly receipts: readonly ReceiptRow[];
  /** Undefined where a batch is told by the database, which knows nothing of typing. */
  readonly typing: TypingChanges | undefined;
  readonly deviceMessages: readonly DeviceMessageRow[];
  /** What had been handed over of these, which it is no more. */
  readonly placedMessageLists: readonly number[];
  readonly keyChanges: readonly KeyChangeRow[];
  /** Of each user one. */
  readonly presence: readonly PresenceRow[];
  readonly userSeqs: readonly { readonly userId: string; readonly seq: number }[];
}
