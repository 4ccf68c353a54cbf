import type { AccountDataRow, AppendBatch } from '../append-batch.js';
import type { EventPlace, StateVersion } from '../timeline-event.js';

/** A room as replicas load it. */
export interface RoomRecord {
  /** How room-server numbers the room. */
  readonly nid: number;
  readonly roomId: string;
  readonly roomVersion: string;
  readonly position: number;
  /** Of the last change of a membership, where that was asked. */
  readonly membersPosition?: number | undefined;
  /** Whether anybody has set a receipt in it, where that was asked. */
  readonly hasReceipts?: boolean | undefined;
}

export interface MembershipRecord extends RoomRecord {
  readonly membership: string;
  /** Of the event that brought it, be it only another name. */
  readonly membershipPosition: number;
  /** From where on the user has had this membership. */
  readonly since: number;
  readonly eventNid: number | undefined;
  /** A JSON array: what is known of a room that we are not in. */
  readonly strippedState: string | undefined;
}

/** Live events of a room, in the order of positions. */
export interface Page {
  readonly roomNid: number;
  /** Positions above this one. */
  readonly above: number;
  /** Positions up to this one. */
  readonly upTo: number;
  readonly direction: 'forwards' | 'backwards';
  readonly limit: number;
}

/** Live events of several rooms. */
export interface RoomsPage {
  readonly roomNids: readonly number[];
  readonly upTo: number;
  readonly limit: number;
}

/** What is left of a page without what nobody has left to read. */
export interface LoudEvents {
  /** Newest first. */
  readonly places: readonly EventPlace[];
  /** Everything above this position was looked at. */
  readonly lookedDownTo: number;
}

/** A place in the order of a room. */
export type OrderKey = Pick<EventPlace, 'depth' | 'position'>;

/** Events of a room in the room's own order, backfilled ones among them. */
export interface OrderPage {
  readonly roomNid: number;
  /** Forwards what is after this place, backwards what is up to it. */
  readonly from: OrderKey;
  /** Live events up to this position alone. */
  readonly upTo: number;
  /** Live events above this position alone, and nothing that was backfilled; undefined for everything. */
  readonly above?: number | undefined;
  readonly direction: 'forwards' | 'backwards';
  readonly limit: number;
}

/** How many are in a room, after the last change of a membership. */
export interface MemberCounts {
  readonly joined: number;
  readonly invited: number;
  readonly membersPosition: number;
}

/** A room as replicas have it in memory. */
export interface LoadedRoom {
  readonly roomNid: number;
  /** Its last events, oldest first. */
  readonly recent: readonly EventPlace[];
  /** What is here is all above this position. */
  readonly windowStart: number;
  /** Versions of all entries but members: the last up to the window's start and all later ones, in order. */
  readonly state: readonly StateVersion[];
  /** Changes of members above the window's start. */
  readonly memberChanges: readonly StateVersion[];
  readonly counts: MemberCounts;
  /** When something that relates to another event was appended last; 0 when nothing was. */
  readonly relationsPosition: number;
  /** From where on its members are known (see AppendRoom). */
  readonly wholeFrom: number;
}

export interface EntryName {
  readonly type: string;
  readonly stateKey: string;
}

/** Versions of entries of a room's state: of each the last up to `from`, and all later ones. */
export interface EntryNames {
  readonly roomNid: number;
  readonly names: readonly EntryName[];
  readonly from: number;
}

/** Members of a room as of a position, by the numbers of their keys. */
export interface MembersPage {
  readonly roomNid: number;
  readonly at: number;
  readonly afterKey: number;
  readonly limit: number;
}

export interface Members {
  readonly members: readonly StateVersion[];
  /** Set when there may be more. */
  readonly nextKey: number | undefined;
}

/** How far the order of positions goes. */
export interface Head {
  readonly position: number;
  /** Of the last term that an appender has begun. */
  readonly epoch: number;
}

/** What the read model answers. */
export interface ReadModel {
  head(): Promise<Head>;
  /** Everything that was appended above a position, as a batch without texts. */
  batchesAbove(position: number): Promise<AppendBatch | undefined>;
  findRoom(roomId: string): Promise<RoomRecord | undefined>;
  /** The last room_seq of a room in the read model. */
  roomSeq(roomId: string): Promise<number>;
  memberships(userId: string): Promise<MembershipRecord[]>;
  /** Rooms with their last events, at most as many of each as the limit says. */
  loadRooms(roomNids: readonly number[], recent: number): Promise<LoadedRoom[]>;
  /** Live events of a room in the order of the direction. */
  events(page: Page): Promise<EventPlace[]>;
  /** The latest live events of some rooms together up to a position, the latest first. */
  latestEvents(page: RoomsPage): Promise<EventPlace[]>;
  /** As `events`, backwards, without those that are quiet. */
  loudEvents(page: Omit<Page, 'direction'>): Promise<LoudEvents>;
  /** Events in the room's own order, with what a user's memberships were at them; all our users', where none is named. */
  eventsInOrder(page: OrderPage, userId: string | undefined): Promise<EventPlace[]>;
  /** Where an event stands, with what a user's membership was at it. */
  findPlace(roomNid: number, eventNid: number, userId: string): Promise<EventPlace | undefined>;
  /** The state at a position, without members. */
  stateAt(roomNid: number, at: number): Promise<StateVersion[]>;
  /** Of the entries that changed above one position and up to another, what they are then; the earliest change first. */
  changedState(roomNid: number, above: number, upTo: number, withMembers: boolean): Promise<StateVersion[]>;
  /** In order. */
  entryVersions(wanted: EntryNames): Promise<StateVersion[]>;
  /** Members at a position, whatever their membership, a page at a time. */
  members(page: MembersPage): Promise<Members>;
  /** The first members who are joined or invited, and when there is at most one of these, the first who have left. */
  heroes(roomNid: number, limit: number): Promise<{ present: readonly string[]; gone: readonly string[] }>;
  /** Remembers that a user forgot a room that they left at a position. */
  forget(userId: string, roomNid: number, leftAt: number): Promise<void>;
  /** The rooms that a user forgot, each with the position of the leaving that it stands for. */
  forgotten(userId: string): Promise<ReadonlyMap<number, number>>;
  /** The users of ours who were erased. */
  erasedUsers(): Promise<string[]>;
  /** Account data that changed above one position and up to another. */
  accountData(userId: string, above: number, upTo: number): Promise<AccountDataRow[]>;
}
