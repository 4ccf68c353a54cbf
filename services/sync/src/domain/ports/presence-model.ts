import type { PresenceStatus } from '../presence/presence.js';

/** Whose presence somebody who comes to rooms, or sees others come, has to be told. */
export interface PresenceWindow {
  readonly userId: string;
  readonly since: number;
  readonly upTo: number;
  /** All who are in these rooms. */
  readonly entered: readonly number[];
  /** Who came to these rooms in the window. */
  readonly moved: readonly number[];
}

/** Whose presence somebody has to be told who has not heard of it for longer than replicas keep in mind. */
export interface ChangedPresence {
  readonly userId: string;
  readonly since: number;
  readonly upTo: number;
  /** The rooms that the user is in. */
  readonly roomNids: readonly number[];
}

/** What is known of how reachable people are. */
export interface PresenceModel {
  /** What was appended last of these users. */
  statuses(userIds: readonly string[]): Promise<PresenceStatus[]>;
  /** Everybody, after one of them, who is not offline. */
  present(afterUser: string, limit: number): Promise<PresenceStatus[]>;
  /** The rooms that users are in. */
  roomsOf(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>>;
  /** What changed in a window of a user's own, and of those who are in rooms with them. */
  changed(window: ChangedPresence): Promise<PresenceStatus[]>;
  /** Of those whom a window concerns, who is not offline. */
  met(window: PresenceWindow): Promise<PresenceStatus[]>;
  /** Whether two users are in a room together. */
  shareRoom(userId: string, other: string): Promise<boolean>;
}
