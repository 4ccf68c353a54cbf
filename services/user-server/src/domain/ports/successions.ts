import type { UserChangeRecord } from './user-data-stores.js';

/** A room that was replaced, and the room that replaces it. */
export interface Succession {
  readonly from: string;
  readonly to: string;
}

/** Remembers who has followed from a room to its replacement: what they had goes along once, whatever they do with it then. */
export interface SuccessionStore {
  /** Whether anybody has followed into a room. */
  isFollowed(roomId: string): Promise<boolean>;
  /** Lets those of the users follow who have not yet, and gives them what they had. */
  follow(userIds: readonly string[], succession: Succession): Promise<UserChangeRecord[]>;
}
