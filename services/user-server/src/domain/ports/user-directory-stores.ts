/** What somebody shows of themselves in the user directory. */
export interface DirectoryEntry {
  readonly userId: string;
  readonly displayName?: string | undefined;
  readonly avatarUrl?: string | undefined;
}

/** Somebody who was looked for. */
export interface FoundUser extends DirectoryEntry {
  /** Lower for a better match. */
  readonly rank: number;
}

export interface SearchPage {
  readonly limit: number;
  readonly offset: number;
  /** Nobody but these; everybody when it is not given. */
  readonly among?: readonly string[];
}

export interface UserDirectoryStore {
  /** Users whose id or name holds a text, in whatever case; the best matches first. Neither guests nor who has gone. */
  search(text: string, page: SearchPage): Promise<FoundUser[]>;
}

/** Who may be known to whom, by the rooms that they are in. */
export interface VisibleUsers {
  /** Those of other servers, and who of ours is in a room of the user. */
  searchMembers(request: {
    userId: string;
    text: string;
    limit: number;
    localServerNames: string[];
  }): Promise<{ others: FoundUser[]; neighbours: string[] }>;
  listVisibleUsers(request: { userId: string; candidates: string[] }): Promise<{ userIds: string[] }>;
}
