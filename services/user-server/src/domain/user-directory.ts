import { isMatrixError } from '@ganglion/contracts';
import type { DirectoryEntry, FoundUser, UserDirectoryStore, VisibleUsers } from './ports.js';

const PAGE = 100;
/** Somebody who looks for a single letter must not make us go through everybody. */
const MOST_CANDIDATES = 1_000;

export interface UserDirectoryAnswer {
  readonly results: readonly DirectoryEntry[];
  /** Whether there are more. */
  readonly limited: boolean;
}

/**
 * The users whom somebody may know of: those who are in a room with them, or in one that is open to all. Who is of another server
 * is known by what their rooms show of them. Whoever asks is found as they are by strangers: in a room that is open to all.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-directory
 */
export class UserDirectory {
  constructor(
    private readonly store: UserDirectoryStore,
    private readonly visible: VisibleUsers | undefined,
    private readonly localServerNames: readonly string[],
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch */
  async search(userId: string, text: string, limit: number): Promise<UserDirectoryAnswer> {
    const wanted = text.trim();
    if (wanted === '' || this.visible === undefined) return { results: [], limited: false };
    // One more than are shown, to say that there are more.
    const most = limit + 1;
    const asked = { userId, text: wanted, limit: most, localServerNames: [...this.localServerNames] };
    const { others, neighbours } = await this.visible.searchMembers(asked).catch(nobody);
    // Whoever is in a room of theirs is found, however many match whom they may not know of.
    const [near, far] = await Promise.all([
      neighbours.length === 0 ? [] : this.store.search(wanted, { limit: most, offset: 0, among: neighbours }),
      this.#amongAll(userId, wanted, limit),
    ]);
    const found = new Map([...others, ...near, ...far.found].map((user) => [user.userId, user]));
    const results = [...found.values()].sort(byRank);
    return { results: results.slice(0, limit), limited: far.limited || results.length > limit };
  }

  async #amongAll(userId: string, text: string, limit: number) {
    const found: FoundUser[] = [];
    for (let offset = 0; offset < MOST_CANDIDATES; offset += PAGE) {
      const page = await this.store.search(text, { limit: PAGE, offset });
      found.push(...(await this.#shown(userId, page)));
      if (found.length > limit) return { found, limited: true };
      if (page.length < PAGE) return { found, limited: false };
    }
    return { found, limited: true };
  }

  async #shown(userId: string, page: readonly FoundUser[]): Promise<FoundUser[]> {
    const candidates = page.map((entry) => entry.userId);
    if (candidates.length === 0) return [];
    const { userIds = [] } = (await this.visible?.listVisibleUsers({ userId, candidates })) ?? {};
    const shown = new Set(userIds);
    return page.filter((entry) => shown.has(entry.userId));
  }
}

/** Who has a name comes before who has none. */
function byRank(one: FoundUser, other: FoundUser): number {
  const nameless = ({ displayName }: FoundUser) => Number(displayName === undefined);
  return one.rank - other.rank || nameless(one) - nameless(other) || (one.userId < other.userId ? -1 : 1);
}

/** A room-server of the release before knows nobody of other servers, and one that takes too long must not hide those of ours. */
function nobody(error: unknown): { others: FoundUser[]; neighbours: string[] } {
  if (isMatrixError(error)) throw error;
  return { others: [], neighbours: [] };
}
