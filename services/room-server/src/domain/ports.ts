import type { RoomEvent } from '@ganglion/protocol';
import type { TracePoint } from '@ganglion/telemetry';
import type { RoomHead, StateEntry } from './room-head.js';

/** What makes a client's request one and the same when it is sent again. */
export interface Transaction {
  readonly userId: string;
  readonly deviceId: string;
  readonly scope: string;
  readonly txnId: string;
}

/** A new state of a room: a delta on another one, or a full snapshot when it has no base. */
export interface NewState {
  readonly nid: number;
  readonly baseNid: number | undefined;
  readonly chainLength: number;
  readonly addedNids: readonly number[];
}

/** An event that was built, authorised and signed, and waits for its commit. */
export interface NewCommittedEvent {
  readonly nid: number;
  readonly roomSeq: number;
  readonly event: RoomEvent;
  /** The PDU as JSON text, as it was signed. */
  readonly json: string;
  readonly prevNids: readonly number[];
  readonly authNids: readonly number[];
  readonly stateBeforeNid: number;
  readonly stateAfterNid: number;
  readonly newState: NewState | undefined;
  readonly transaction: Transaction | undefined;
  /** The event that this redaction takes the content of. */
  readonly redactsEventId: string | undefined;
  /** Of the request that wants it. */
  readonly tracePoint: TracePoint | undefined;
}

/** Events of one room to be committed together, if the room still is at the version they were built on. */
export interface RoomCommit {
  readonly roomNid: number;
  readonly roomId: string;
  readonly roomVersion: string;
  readonly seenVersion: number;
  readonly version: number;
  readonly stateNid: number;
  readonly extremityNids: readonly number[];
  readonly events: readonly NewCommittedEvent[];
}

export type CommitResult =
  | 'committed'
  /** Another replica was faster, or one of the transactions was committed before: load the room and look again. */
  | 'conflict';

/** Commits events: one statement for all that waits, whatever the room. */
export interface Committer {
  commit(commit: RoomCommit): Promise<CommitResult>;
}

/** What a room is loaded from. */
export interface RoomStore {
  /** The room as it is now; undefined when there is none. Auth-relevant events other than memberships are loaded. */
  loadHead(roomId: string): Promise<RoomHead | undefined>;
  /** Loads the events of entries, so that rules can look at them. */
  loadEvents(head: RoomHead, entries: readonly Pick<StateEntry, 'nid' | 'event'>[]): Promise<void>;
  /** The version the room is at in the database. */
  currentVersion(roomNid: number): Promise<number | undefined>;
  findTransaction(roomNid: number, transaction: Transaction): Promise<{ eventId: string; roomSeq: number } | undefined>;
  /** An event of the room by its id, accepted ones only. */
  findEvent(roomNid: number, eventId: string): Promise<RoomEvent | undefined>;
  /** The rooms in which a user has one of the memberships. */
  listMemberships(userId: string, memberships: readonly string[]): Promise<readonly RoomMembership[]>;
}

export interface RoomMembership {
  readonly roomId: string;
  readonly membership: string;
}

/** Makes rooms: with their first events and alias in one transaction. */
export interface RoomCreator {
  /** @throws MatrixError M_ROOM_IN_USE when the alias exists; RoomExistsError when the room does */
  create(room: NewRoom): Promise<void>;
}

/** There is a room of this id already. */
export class RoomExistsError extends Error {
  override readonly name = 'RoomExistsError';
}

export interface NewRoom {
  readonly commit: RoomCommit;
  readonly alias: { readonly name: string; readonly creator: string } | undefined;
  readonly published: boolean;
}

/** Numbers for new events and states. */
export interface NumberSource {
  allocate(): Promise<number>;
}

/** What follows a commit. Called in the order of each room. */
export interface CommitListener {
  committed(commit: RoomCommit): void;
}
