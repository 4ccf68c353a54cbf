import type {
  GetAccountStatusRequest,
  GetAccountStatusResponse,
  GetFilterRequest,
  GetFilterResponse,
  GetProfileRequest,
  GetProfileResponse,
  ListErasedUsersRequest,
  ListErasedUsersResponse,
  Users,
} from '@ganglion/contracts/user';
import type { Accounts } from '../domain/accounts.js';
import type { Filters } from '../domain/filters.js';
import type { Profiles } from '../domain/profiles.js';

/** Users, as the other services read them. */
export class UsersService implements Users {
  constructor(
    private readonly profiles: Profiles,
    private readonly filters: Filters,
    private readonly accounts: Accounts,
  ) {}

  async getProfile({ userId }: GetProfileRequest): Promise<GetProfileResponse> {
    return { profileJson: await this.profiles.get(userId) };
  }

  async getFilter({ userId, filterId }: GetFilterRequest): Promise<GetFilterResponse> {
    return { filterJson: await this.filters.find(userId, filterId) };
  }

  async listErasedUsers({ sinceMs, afterUser, limit }: ListErasedUsersRequest): Promise<ListErasedUsersResponse> {
    return { userIds: await this.accounts.listErased(sinceMs, afterUser, limit) };
  }

  getAccountStatus({ userId }: GetAccountStatusRequest): Promise<GetAccountStatusResponse> {
    return this.accounts.status(userId);
  }
}
