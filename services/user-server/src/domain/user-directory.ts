import type { DirectoryEntry, UserDirectoryStore, VisibleUsers } from './ports.js';

const PAGE = 100;
/** Somebody who looks for a single letter must not make us go through everybody. */
const MOST_CANDIDATES = 1_000;

export interface UserDirectoryAnswer {
  readonly results: readonly DirectoryEntry[];
  /** Whether there are more. */
  readonly limited: boolean;
}

/**
 * The users of this deployment whom somebody may know of: those who are in a room with them, or in one that is open to all.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-directory
 */
export class UserDirectory {
  constructor(
    private readonly store: UserDirectoryStore,
    private readonly visible: VisibleUsers | undefined,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch */
  async search(userId: string, text: string, limit: number): Promise<UserDirectoryAnswer> {
    const results: DirectoryEntry[] = [];
    if (text.trim() === '') return { results, limited: false };
    for (let offset = 0; offset < MOST_CANDIDATES; offset += PAGE) {
      const page = await this.store.search(text.trim(), { limit: PAGE, offset });
      for (const entry of await this.#shown(userId, page)) {
        if (results.length === limit) return { results, limited: true };
        results.push(entry);
      }
      if (page.length < PAGE) return { results, limited: false };
    }
    return { results, limited: true };
  }

  async #shown(userId: string, page: readonly DirectoryEntry[]): Promise<DirectoryEntry[]> {
    const candidates = page.map((entry) => entry.userId).filter((candidate) => candidate !== userId);
    if (candidates.length === 0) return [];
    const { userIds = [] } = (await this.visible?.listVisibleUsers({ userId, candidates })) ?? {};
    const shown = new Set(userIds);
    return page.filter((entry) => shown.has(entry.userId));
  }
}
