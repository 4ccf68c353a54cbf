import type { RefundingRateLimiter } from '@ganglion/contracts';
import { type Count, countUnlessItSucceeds } from './counted-attempts.js';
import { badJson, forbidden } from './failures.js';
import type { LocalServers } from './local-servers.js';
import type { Account, AccountStore, Passwords } from './ports.js';

/** How a client names the user that it logs in; `user` alone is how older clients do it. */
export interface UserReference {
  readonly identifier?: { readonly type: string; readonly user?: string | undefined } | undefined;
  readonly user?: string | undefined;
}

/** Checks names and passwords. */
export class Credentials {
  constructor(
    private readonly accounts: AccountStore,
    private readonly passwords: Passwords,
    private readonly limiter: RefundingRateLimiter,
    private readonly servers: LocalServers,
  ) {}

  /**
   * The user ids that a client may mean. Empty for somebody who cannot be a user of ours.
   *
   * @throws MatrixError M_FORBIDDEN for a third-party identifier: we know none; M_BAD_JSON when nobody is named
   * @see https://spec.matrix.org/v1.19/client-server-api/#identifier-types
   */
  candidates({ identifier, user }: UserReference, serverName: string): string[] {
    if (identifier !== undefined && identifier.type !== 'm.id.user') {
      throw forbidden('This identifier does not belong to any account');
    }
    const name = identifier?.user ?? user;
    if (name === undefined) throw badJson('identifier.user is required');
    return this.servers.candidates(name, serverName);
  }

  /**
   * The account among the candidates if the password is its password. An unknown or deactivated account takes as long
   * and counts as much as a wrong password.
   *
   * @param counts what failed attempts count towards
   * @throws MatrixError M_LIMIT_EXCEEDED after too many failed attempts
   */
  check(candidates: readonly string[], password: string, counts: readonly Count[]): Promise<Account | undefined> {
    return countUnlessItSucceeds(this.limiter, counts, async () => {
      const account = await this.accounts.find(candidates);
      const verified = await this.passwords.verify(account?.passwordHash, password);
      return verified && !account?.deactivated ? account : undefined;
    });
  }
}
