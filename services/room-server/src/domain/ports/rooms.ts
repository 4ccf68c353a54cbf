import type { RoomEvent } from '@ganglion/protocol';
import type { TracePoint } from '@ganglion/telemetry';
import type { EventStatus } from '../graph/event-graph.js';
import type { DescribableRoom } from '../intake/describe-room.js';
import type { Incoming } from '../intake/examine.js';
import type { RoomHead, RoomProgress } from '../room-head.js';
import type { NewState } from '../state/state-node.js';

/** What makes a client's request one and the same when it is sent again. */
export interface Transaction {
  readonly userId: string;
  readonly deviceId: string;
  readonly scope: string;
  readonly txnId: string;
}

/** A pair of type and state key. */
export interface StateKey {
  readonly type: string;
  readonly stateKey: string;
}

/** What the current state has for a key from now on. */
export interface StateChange extends StateKey {
  readonly keyNid: number;
  /** 0 when the entry is gone. */
  readonly eventNid: number;
  /** Empty when the entry is gone. */
  readonly eventId: string;
  /** Of m.room.member events. */
  readonly membership: string | undefined;
}

/** From which stored state to which the current state went, when that is too much to be listed. */
export interface StateJump {
  readonly fromStateNid: number | undefined;
  readonly toStateNid: number;
}

/** An event that waits for its commit: built here, or received and examined. */
export interface NewEvent {
  readonly nid: number;
  readonly event: RoomEvent;
  /** The PDU as JSON text. */
  readonly json: string;
  readonly status: EventStatus;
  /** It was kept as an outlier before, under its number. */
  readonly isKnown: boolean;
  /** 1, 2 … of what is accepted as live, -1, -2 … of what is backfilled; undefined for all else. */
  readonly roomSeq: number | undefined;
  /** Of its type and state key. */
  readonly keyNid: number | undefined;
  readonly prevNids: readonly number[];
  readonly authNids: readonly number[];
  /** Undefined for what has no place, and before m.room.create. */
  readonly stateBeforeNid: number | undefined;
  readonly stateAfterNid: number | undefined;
  /** The history visibility after it, and before it where that differs. */
  readonly visibility: string;
  readonly previousVisibility: string | undefined;
  readonly stateChanges: readonly StateChange[];
  readonly jump: StateJump | undefined;
  /** Memberships of our users that differ in the state at the event. */
  readonly localMemberships: readonly { readonly userId: string; readonly membership: string }[];
  /** The ids of events before it that have no place in the room. */
  readonly missing: readonly string[];
  readonly transaction: Transaction | undefined;
  /** The event that this redaction names. */
  readonly redactsEventId: string | undefined;
  /** The number of that event, when it is there and the redaction takes effect. */
  readonly redactedNid: number | undefined;
  /** The redaction of this event that came first. */
  readonly redactedBy: { readonly nid: number; readonly eventId: string; readonly json: string } | undefined;
  /** What one of our users may know of a room that we are not in, as a JSON array. */
  readonly strippedState: string | undefined;
  /** The server that gave it to us to take into the room, so that we send it on to the others. */
  readonly relayFor?: string | undefined;
  /** True where the room is joined without most of its members, false where they are all known. */
  readonly partialState?: boolean | undefined;
  /** Of the request that wants it. */
  readonly tracePoint: TracePoint | undefined;
}

/** A key that a room's states have not had before. */
export interface NewKey extends StateKey {
  readonly keyNid: number;
}

/** An edge to an event that was missing and has its place now. */
export interface FoundEdge {
  readonly missingEventId: string;
  /** The event that names it. */
  readonly eventNid: number;
}

/** What an event that was placed on partial state comes to with the whole of it. */
export interface RestatedEvent {
  readonly nid: number;
  readonly status: EventStatus;
  readonly stateBeforeNid: number | undefined;
  readonly stateAfterNid: number | undefined;
}

/** A room that was joined without most of its members. */
export interface PartialRoom {
  /** The event that it was joined with. */
  readonly joinNid: number;
  /** That have users there, as another server says. */
  readonly serverNames: readonly string[];
}

/** What a commit does to the graph of one room, if the room still is at the version that it was planned on. */
export interface RoomCommit {
  readonly roomNid: number;
  readonly roomId: string;
  readonly roomVersion: string;
  readonly seen: Readonly<Pick<RoomProgress, 'version' | 'roomSeq' | 'backSeq'>>;
  readonly progress: Readonly<RoomProgress>;
  readonly events: readonly NewEvent[];
  readonly states: readonly NewState[];
  /** A state that nothing needs any more. */
  readonly droppedStateNid: number | undefined;
  readonly keys: readonly NewKey[];
  readonly currentState: readonly StateChange[];
  /** By how many the joined users of each server change. */
  readonly hosts: ReadonlyMap<string, number>;
  readonly found: readonly FoundEdge[];
  /** Begins or ends that most members of the room are not known. */
  readonly partial?: PartialRoom | 'ended' | undefined;
  readonly restated: readonly RestatedEvent[];
}

export type CommitResult =
  | { readonly kind: 'committed' }
  /** Another replica was faster: learn what has changed and plan again. */
  | { readonly kind: 'conflict' }
  /** What the room is known to have is not what it has: load it anew and plan again. */
  | { readonly kind: 'stale' }
  /** These of its transactions were committed before; nothing else stands in the way. */
  | { readonly kind: 'known'; readonly eventNids: ReadonlySet<number> };

/** Commits events: one statement for all that waits, whatever the room. */
export interface Committer {
  commit(commit: RoomCommit): Promise<CommitResult>;
}

/** What a room is loaded from. */
export interface RoomStore {
  /** The room as it is now, without its members; undefined when there is none. */
  loadHead(roomId: string): Promise<RoomHead | undefined>;
  /** Brings a head to the room's present version. False when the room is gone. */
  refresh(head: RoomHead): Promise<boolean>;
  /** Makes sure that a head knows these keys. */
  load(head: RoomHead, keys: readonly StateKey[]): Promise<void>;
  /** The version the room is at in the database. */
  currentVersion(roomNid: number): Promise<number | undefined>;
  findTransaction(roomNid: number, transaction: Transaction): Promise<{ eventId: string; roomSeq: number } | undefined>;
  /** An event of the room by its id, accepted ones only. */
  findEvent(roomNid: number, eventId: string): Promise<FoundEvent | undefined>;
  /** Whether another room has an event, whatever became of it there. */
  isOfOtherRoom(roomNid: number, eventId: string): Promise<boolean>;
  /** Whether it relates to another one, as far as is known here. */
  isRelated(roomNid: number, eventId: string): Promise<boolean>;
  /** The rooms in which a user has one of the memberships. */
  listMemberships(userId: string, memberships: readonly string[]): Promise<readonly RoomMembership[]>;
  /** Joined users of these servers in a room, at most so many. */
  joinedUsersOf(roomNid: number, serverNames: readonly string[], limit: number): Promise<readonly string[]>;
  /** In the order of their ids, those after another one. */
  joinedUsersAfter(
    roomNid: number,
    serverNames: readonly string[],
    after: string,
    limit: number,
  ): Promise<readonly string[]>;
  /** What there is to know of events without their bodies. */
  summaries(roomNid: number, nids: readonly number[]): Promise<ReadonlyMap<number, EventSummary>>;
  /** The events that name these as missing. */
  waitingFor(roomNid: number, eventIds: readonly string[]): Promise<readonly WaitingEvent[]>;
  /** Redactions of these events that came before them. */
  redactionsOf(roomNid: number, roomId: string, eventIds: readonly string[]): Promise<readonly EarlierRedaction[]>;
  /** Of some rooms, in how many we take part, and whether a user is joined to any of these. */
  sharedRooms(userId: string, roomIds: Iterable<string>): Promise<{ known: number; joined: boolean }>;
  /** Whether users of any server are joined, as far as is known. */
  hasMembers(roomNid: number): Promise<boolean>;
  /** How many users of these servers are joined. */
  countJoined(roomNid: number, serverNames: readonly string[]): Promise<number>;
  /** The current state, or what was told of a room that we do not take part in: events by their keys. */
  currentEntries(roomNid: number): Promise<ReadonlyMap<number, number>>;
  /** The keys of memberships of users of these servers. */
  membersOf(roomNid: number, serverNames: readonly string[]): Promise<readonly { keyNid: number; userId: string }[]>;
  /** The numbers of pairs; those without one are left out. */
  findKeys(roomNid: number, keys: readonly StateKey[]): Promise<readonly NewKey[]>;
  /** A room of partial state; undefined when its state is whole. */
  partialRoom(roomNid: number): Promise<PartialRoom | undefined>;
  /** The numbers of all events that have their place among the live ones, whatever became of them. */
  placedEvents(roomNid: number): Promise<readonly number[]>;
  /** The pairs that stand behind numbers of keys. */
  keyNames(roomNid: number, keyNids: readonly number[]): Promise<ReadonlyMap<number, StateKey>>;
}

/** What there is to know of an event without its body. */
export interface EventSummary {
  readonly eventId: string;
  /** Of m.room.member events. */
  readonly membership?: string;
  readonly redacted: boolean;
}

/** An event that is kept until what it names has come. */
export interface WaitingEvent {
  readonly missingEventId: string;
  readonly nid: number;
  readonly eventId: string;
  readonly status: EventStatus;
  readonly json: string;
}

/** A redaction that was accepted, with the state before it. */
export interface EarlierRedaction {
  readonly nid: number;
  readonly event: RoomEvent;
  readonly json: string;
  readonly redactsEventId: string;
  readonly stateBeforeNid: number | undefined;
}

export interface FoundEvent {
  readonly nid: number;
  readonly event: RoomEvent;
}

export interface RoomMembership {
  readonly roomId: string;
  readonly membership: string;
}

/** An event, and those of its predecessors that have no place. */
export interface HistoryGap {
  readonly eventId: string;
  readonly sender: string;
  readonly depth: number;
  readonly missingEventIds: string[];
}

/** What the intake of events keeps beside the graph. */
export interface IntakeStore {
  /**
   * Makes a place for a room that we are not in, unless there is one.
   *
   * @param isProven whether the version is that of events that make up the state of the room: it replaces what somebody has said with
   *   an invite, as long as there is no state
   * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION
   */
  openRoom(roomId: string, roomVersion: string, isProven?: boolean): Promise<void>;
  /** Whether the operator wants nothing to do with a room, be it that nothing is known of it. */
  isBlocked(roomId: string): Promise<boolean>;
  /** The rooms of these ids that are known here, in any order, all read at once. @param serverName whether it is in each of them */
  describableRooms(roomIds: readonly string[], serverName: string): Promise<readonly DescribableRoom[]>;
  /** The servers with joined users, those with most first. */
  listServers(roomId: string): Promise<readonly string[]>;
  /** Accepted events up to a depth that follow something which has no place here, the deepest first. */
  historyGaps(roomNid: number, maxDepth: number, limit: number): Promise<readonly HistoryGap[]>;
  /** Events that wait for something that has come, at most a hundred, without some. */
  released(roomId: string, roomNid: number, but: readonly string[]): Promise<readonly Incoming[]>;
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

/** Numbers for new events, states and keys. */
export interface NumberSource {
  allocate(): Promise<number>;
}

/** What follows a commit. Called in the order of each room. */
export interface CommitListener {
  committed(commit: RoomCommit): void;
}
