import type { Tokens, WhoIsRequest, WhoIsResponse } from '@ganglion/contracts/user';
import { lockedBecause } from '../domain/locked.js';
import type { TokenOwners } from '../domain/token-owners.js';

/** Tokens, as the other services ask about them. */
export class TokensService implements Tokens {
  constructor(
    private readonly owners: TokenOwners,
    /** Where they do not, it makes no difference that one was to once. */
    private readonly accountsExpire: boolean,
  ) {}

  async whoIs({ tokenHash, ...from }: WhoIsRequest): Promise<WhoIsResponse> {
    const owner = await this.owners.whoIs(tokenHash, from);
    const { userId, deviceId, deviceNid, admin, guest, expiresAtMs, suspended } = owner;
    const accountExpiresAtMs = this.accountsExpire ? owner.accountExpiresAtMs : undefined;
    return {
      ...{ userId, deviceId, deviceNid, admin, guest, expiresAtMs, suspended, accountExpiresAtMs },
      lockedBecause: lockedBecause(owner),
    };
  }
}
