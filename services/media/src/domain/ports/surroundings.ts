import type { FileName } from './file-store.js';

/** What rooms know of files. */
export interface RoomFiles {
  /** The files that events of a room name, as far as they are not encrypted; each once. */
  named(roomId: string): Promise<FileName[]>;
}

/** What rooms show of themselves. */
export interface RoomAvatars {
  /** Those of some URIs that are the avatar of a room now. */
  among(uris: readonly string[]): Promise<string[]>;
}

/** What users show of themselves. */
export interface Avatars {
  /** The URIs of the avatars of these users, in no order. */
  of(userIds: readonly string[]): Promise<string[]>;
}

/** Who has been erased. */
export interface ErasedUsers {
  /** Some of those who were erased since a time, in milliseconds since the epoch, in an order; those after this one. */
  list(sinceMs: number, afterUser: string, most: number): Promise<string[]>;
}
