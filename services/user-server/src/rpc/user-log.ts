import type {
  GetUserChangesRequest,
  GetUserChangesResponse,
  ListUserHeadsRequest,
  ListUserHeadsResponse,
  UserLog,
} from '@ganglion/contracts/user';
import { userChangesOf } from '../publish/user-changes.js';
import type { UserLogStore } from '../storage/user-log-store.js';

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;
/** Content in one page of changes, unless a single change is larger. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** The log from which consumers of user changes catch up, whatever the bus has lost. */
export class UserLogService implements UserLog {
  constructor(private readonly store: UserLogStore) {}

  async listUserHeads({ sinceCursor, afterUser, limit }: ListUserHeadsRequest): Promise<ListUserHeadsResponse> {
    const size = pageSize(limit);
    const { cursor, heads } = await this.store.heads(sinceCursor, afterUser, size + 1);
    const page = heads.slice(0, size);
    const last = page.at(-1);
    return { heads: page, cursor, ...(heads.length > size && last !== undefined && { nextUser: last.userId }) };
  }

  async getUserChanges({ userId, afterSeq, limit }: GetUserChangesRequest): Promise<GetUserChangesResponse> {
    const size = pageSize(limit);
    const { changes, more } = await this.store.changes(userId, afterSeq, { limit: size, bytes: MAX_PAGE_BYTES });
    return { changes: userChangesOf(userId, changes), more };
  }
}

function pageSize(limit: number): number {
  return Math.min(limit > 0 ? limit : DEFAULT_LIMIT, MAX_LIMIT);
}
