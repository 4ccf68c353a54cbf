import type { Tokens, WhoIsRequest, WhoIsResponse } from '@ganglion/contracts/user';
import type { TokenOwners } from '../domain/token-owners.js';

/** Tokens, as the other services ask about them. */
export class TokensService implements Tokens {
  constructor(private readonly owners: TokenOwners) {}

  async whoIs({ tokenHash }: WhoIsRequest): Promise<WhoIsResponse> {
    const { userId, deviceId, admin, guest, expiresAtMs } = await this.owners.whoIs(tokenHash);
    return { userId, deviceId, admin, guest, expiresAtMs };
  }
}
