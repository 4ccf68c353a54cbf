import type { RefundingRateLimiter } from '@ganglion/contracts';
import { canonicalEmail } from '@ganglion/protocol';
import { type Count, countUnlessItSucceeds } from './counted-attempts.js';
import { EMAIL } from './emails.js';
import { badJson, forbidden } from './failures.js';
import type { LocalServers } from './local-servers.js';
import type { Account, AccountStore, Passwords, ThirdPartyIdStore } from './ports.js';

/** How a client names the user that it logs in; `user` alone is how older clients do it. */
export interface UserReference {
  readonly identifier?: UserIdentifier | undefined;
  readonly user?: string | undefined;
}

interface UserIdentifier {
  readonly type: string;
  readonly user?: string | undefined;
  /** Of a third-party identifier. */
  readonly medium?: string | undefined;
  readonly address?: string | undefined;
}

/** Whom a client may mean. */
export interface NamedUser {
  /** Empty for somebody who is no user of ours. */
  readonly candidates: readonly string[];
  /** What attempts count by, which does not tell whether there is such a user; undefined for what can be nobody's name. */
  readonly name: string | undefined;
}

/** Checks names and passwords. */
export class Credentials {
  constructor(
    private readonly accounts: AccountStore,
    private readonly addresses: ThirdPartyIdStore,
    private readonly passwords: Passwords,
    private readonly limiter: RefundingRateLimiter,
    private readonly servers: LocalServers,
  ) {}

  /**
   * The user that a client names.
   *
   * @throws MatrixError M_FORBIDDEN for what we know nobody by, such as a telephone number; M_BAD_JSON when nobody is named
   * @see https://spec.matrix.org/v1.19/client-server-api/#identifier-types
   */
  async named({ identifier, user }: UserReference, serverName: string): Promise<NamedUser> {
    if (identifier?.type === 'm.id.thirdparty') return this.#byAddress(identifier, serverName);
    if (identifier !== undefined && identifier.type !== 'm.id.user') {
      throw forbidden('This identifier does not belong to any account');
    }
    const name = identifier?.user ?? user;
    if (name === undefined) throw badJson('identifier.user is required');
    const candidates = this.servers.candidates(name, serverName);
    return { candidates, name: candidates.at(-1) };
  }

  async #byAddress({ medium, address }: UserIdentifier, serverName: string): Promise<NamedUser> {
    if (medium === undefined) throw badJson('identifier.medium is required');
    if (address === undefined) throw badJson('identifier.address is required');
    const email = medium === EMAIL ? canonicalEmail(address) : undefined;
    if (email === undefined) throw forbidden('This identifier does not belong to any account');
    const owner = await this.addresses.owner(serverName, { medium, address: email });
    return { candidates: owner === undefined ? [] : [owner], name: `${email} ${serverName}` };
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
