import { forbidden, notFound, unknownToken } from './failures.js';
import type { Account, AccountStore, Requester, ShortTokenStore } from './ports.js';
import { hashToken, newToken } from './session-tokens.js';
import { PASSWORD_FLOWS } from './uia-stages.js';
import type { InteractiveAttempt } from './user-interactive-auth.js';

/** A token for a while. */
export interface ShortToken {
  readonly token: string;
  readonly lifetimeMs: number;
}

/** Tokens by which a device that is logged in logs in another one. */
export class LoginTokens {
  /** @param lifetimeMs undefined where there are no such tokens */
  constructor(
    private readonly store: ShortTokenStore,
    private readonly accounts: AccountStore,
    private readonly lifetimeMs: number | undefined,
  ) {}

  get enabled(): boolean {
    return this.lifetimeMs !== undefined;
  }

  /**
   * A token to log in another device with, once.
   *
   * @throws UiaChallenge
   * @throws MatrixError M_NOT_FOUND where there are none
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token
   */
  async issue({ userId }: Requester, attempt: InteractiveAttempt): Promise<ShortToken> {
    if (this.lifetimeMs === undefined) throw notFound('This server does not log in devices by others');
    await attempt.pass(PASSWORD_FLOWS);
    const issued = { token: newToken('glt'), lifetimeMs: this.lifetimeMs };
    await this.store.create(hashToken(issued.token), 'login', userId, issued.lifetimeMs);
    return issued;
  }

  /** Whose the token is, which ends with that; undefined when it is nobody's. */
  async redeem(token: string): Promise<Account | undefined> {
    const userId = this.enabled ? await this.store.take(hashToken(token), 'login') : undefined;
    return userId === undefined ? undefined : this.accounts.find([userId]);
  }
}

const OPENID_LIFETIME_MS = 3_600_000;

/** Tokens that show other services who somebody is, and are good for nothing else. */
export class OpenIdTokens {
  constructor(private readonly store: ShortTokenStore) {}

  /**
   * @throws MatrixError M_FORBIDDEN for somebody else's
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridopenidrequest_token
   */
  async issue(requester: Requester, userId: string): Promise<ShortToken> {
    if (requester.userId !== userId) throw forbidden("You cannot request another user's OpenID token");
    const token = newToken('goi');
    await this.store.create(hashToken(token), 'openid', userId, OPENID_LIFETIME_MS);
    return { token, lifetimeMs: OPENID_LIFETIME_MS };
  }

  /**
   * Whose a token is.
   *
   * @throws MatrixError M_UNKNOWN_TOKEN
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1openiduserinfo
   */
  async owner(token: string): Promise<string> {
    const userId = await this.store.owner(hashToken(token), 'openid');
    if (userId === undefined) throw unknownToken('The token is not known or has expired');
    return userId;
  }
}
