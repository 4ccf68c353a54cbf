import type { Bus } from '@ganglion/bus';
import { ANNOUNCEMENTS, MatrixError, USER_CHANGES } from '@ganglion/contracts';
import type {
  AccountData,
  AccountDataChange,
  GetAccountDataRequest,
  GetAccountDataResponse,
  GetAccountStatusResponse,
  GetFilterRequest,
  GetFilterResponse,
  GetUserChangesRequest,
  GetUserChangesResponse,
  ListErasedUsersResponse,
  ListUserHeadsRequest,
  ListUserHeadsResponse,
  PutAccountDataRequest,
  PutAccountDataResponse,
  UserChange,
  UserLog,
  Users,
} from '@ganglion/contracts/user';

/** Users in memory: keeps and announces account data as user-server does, and is the log that consumers catch up from. */
export class TestUsers implements AccountData, UserLog, Users {
  readonly #changes = new Map<string, UserChange[]>();
  readonly #filters = new Map<string, string>();

  constructor(private readonly bus: Bus) {}

  async getAccountData({ userId, roomId, type }: GetAccountDataRequest): Promise<GetAccountDataResponse> {
    const last = this.#changes.get(userId)?.findLast(({ accountData }) => is(accountData, roomId, type));
    return { contentJson: last?.accountData?.contentJson ?? '', userSeq: last?.userSeq ?? 0 };
  }

  /** All may do what they want. */
  async getAccountStatus(): Promise<GetAccountStatusResponse> {
    return { ended: false, locked: false, suspended: false };
  }

  async putAccountData(request: PutAccountDataRequest): Promise<PutAccountDataResponse> {
    const { userId, roomId, type, contentJson, expectedSeq } = request;
    if ((await this.getAccountData(request)).userSeq !== expectedSeq) return { stored: false };
    const change = this.store(userId, { roomId, type, contentJson });
    this.bus.broadcast(ANNOUNCEMENTS, { id: userId, seq: change.userSeq });
    await this.bus.publish(USER_CHANGES, { userId, changes: [change] }, { key: userId });
    return { stored: true };
  }

  /** Puts a change into the log of which the bus is not told. */
  store(userId: string, accountData: AccountDataChange): UserChange {
    const changes = this.#changes.get(userId) ?? [];
    this.#changes.set(userId, changes);
    const change = { userSeq: changes.length + 1, accountData };
    changes.push(change);
    return change;
  }

  /** Sets global account data. */
  async set(userId: string, type: string, content: object): Promise<void> {
    const { userSeq: expectedSeq } = await this.getAccountData({ userId, roomId: '', type });
    await this.putAccountData({ userId, roomId: '', type, contentJson: JSON.stringify(content), expectedSeq });
  }

  async listUserHeads({ sinceCursor }: ListUserHeadsRequest): Promise<ListUserHeadsResponse> {
    const heads = [...this.#changes].map(([userId, changes]) => ({ userId, userSeq: changes.length }));
    return { heads, cursor: sinceCursor };
  }

  async getUserChanges({ userId, afterSeq, limit }: GetUserChangesRequest): Promise<GetUserChangesResponse> {
    const after = (this.#changes.get(userId) ?? []).filter(({ userSeq }) => userSeq > afterSeq);
    const changes = after.slice(0, limit);
    return { changes: { userId, changes }, more: after.length > limit };
  }

  async getProfile(): Promise<never> {
    throw new MatrixError(404, 'M_NOT_FOUND', 'These users show nothing of themselves');
  }

  /** Stores a filter; the answer is its id. */
  define(userId: string, filter: object): string {
    this.#filters.set(`${userId} ${this.#filters.size}`, JSON.stringify(filter));
    return `${this.#filters.size - 1}`;
  }

  async listErasedUsers(): Promise<ListErasedUsersResponse> {
    return { userIds: [] };
  }

  async getFilter({ userId, filterId }: GetFilterRequest): Promise<GetFilterResponse> {
    const filterJson = this.#filters.get(`${userId} ${filterId}`);
    if (filterJson === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such filter');
    return { filterJson };
  }
}

function is(accountData: UserChange['accountData'], roomId: string, type: string): boolean {
  return accountData?.roomId === roomId && accountData.type === type;
}
