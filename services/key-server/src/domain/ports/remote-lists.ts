import type { UserKeys } from './key-store.js';

/** How far a user of another server has come, and what is kept of their devices and keys. */
export interface RemoteListState {
  readonly userId: string;
  /** The number of the last change that was heard of; 0 when there was none. */
  readonly heardSeq: number;
  /** What that number was when the list that is kept was asked for; undefined when none is kept. */
  readonly keptSeq: number | undefined;
  /** By which room the user has been in touch with us then; empty when no list is kept. */
  readonly evidence: string;
}

/** A list as it was asked for. */
export interface AskedList {
  readonly userId: string;
  readonly heardSeq: number;
  readonly evidence: string;
  readonly keys: UserKeys;
}

/** The devices and keys of users of other servers. They are kept beside those of ours. */
export interface RemoteListStore {
  /** One of each user. */
  states(userIds: readonly string[]): Promise<RemoteListState[]>;
  /** Notes that lists are about to be asked for: whatever is heard of them from then on is news. */
  begin(userIds: readonly string[]): Promise<void>;
  /** Those of the users whose lists were ever asked for. */
  askedFor(userIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Keeps a list in place of the one before, unless a change was heard of after it was asked for. */
  keep(list: AskedList): Promise<void>;
}

/** Of users of other servers, by which rooms they are in touch with us. */
export interface SharedRooms {
  /** Evidence by user, of those who share a room with us; the same as asked with when it was so all the time since. */
  evidence(users: readonly { readonly userId: string; readonly evidence: string }[]): Promise<Map<string, string>>;
}
