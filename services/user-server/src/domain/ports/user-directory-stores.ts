/** What somebody shows of themselves in the user directory. */
export interface DirectoryEntry {
  readonly userId: string;
  readonly displayName: string | undefined;
  readonly avatarUrl: string | undefined;
}

export interface UserDirectoryStore {
  /** Users whose id or name holds a text, in whatever case; the best matches first. Neither guests nor who has gone. */
  search(text: string, page: { readonly limit: number; readonly offset: number }): Promise<DirectoryEntry[]>;
}

/** Who may be known to whom, by the rooms that they are in. */
export interface VisibleUsers {
  listVisibleUsers(request: { userId: string; candidates: string[] }): Promise<{ userIds: string[] }>;
}
