import type { PresenceRow, PresenceStatus } from '../presence/presence.js';

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

/** What is known of how reachable people are. */
export interface PresenceModel {
  /** What was appended last of these users. */
  statuses(userIds: readonly string[]): Promise<PresenceStatus[]>;
  /** Everybody, after one of them, who is not offline. */
  present(afterUser: string, limit: number): Promise<PresenceStatus[]>;
  /** The rooms that users are in. */
  roomsOf(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>>;
  /** What changed above one position and up to another, of everybody, with the rooms they are in. */
  between(above: number, upTo: number): Promise<PresenceRow[]>;
  /** Of those whom a window concerns, who is not offline. */
  met(window: PresenceWindow): Promise<PresenceStatus[]>;
  /** Whether two users are in a room together. */
  shareRoom(userId: string, other: string): Promise<boolean>;
}
