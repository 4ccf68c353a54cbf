import { MatrixError, type RefundingRateLimiter } from '@ganglion/contracts';
import { type Count, countUnlessItSucceeds } from './counted-attempts.js';
import type { Credentials, UserReference } from './credentials.js';
import { badJson, forbidden } from './failures.js';
import { accountLocked } from './locked.js';
import type { Account } from './ports.js';
import type { DeviceRequest, Sessions, StartedSession } from './sessions.js';
import type { LoginTokens } from './short-tokens.js';

export const PASSWORD_LOGIN = 'm.login.password';
const TOKEN_LOGIN = 'm.login.token';

export interface LoginRequest extends UserReference, DeviceRequest {
  readonly type: string;
  readonly password?: string | undefined;
  /** Of a log-in by token. */
  readonly token?: string | undefined;
}

/** Where somebody logs in, and from where. */
export interface LoginPlace {
  readonly serverName: string;
  /** The neighbourhood of their address. */
  readonly network: string;
}

/** Logging in. @see https://spec.matrix.org/v1.19/client-server-api/#legacy-login */
export class Login {
  constructor(
    private readonly credentials: Credentials,
    private readonly tokens: LoginTokens,
    private readonly sessions: Sessions,
    private readonly limiter: RefundingRateLimiter,
  ) {}

  /** The ways to log in. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login */
  get flows(): readonly object[] {
    const byToken = this.tokens.enabled ? [{ type: TOKEN_LOGIN, get_login_token: true }] : [];
    return [{ type: PASSWORD_LOGIN }, ...byToken];
  }

  /**
   * @throws MatrixError M_UNKNOWN for another type of login, M_FORBIDDEN when name and password do not fit,
   *   M_USER_LOCKED, M_LIMIT_EXCEEDED
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login
   */
  async login(request: LoginRequest, place: LoginPlace): Promise<StartedSession> {
    const account = await this.#identify(request, place);
    if (account.locked) throw accountLocked();
    return this.sessions.start(account, request);
  }

  #identify(request: LoginRequest, place: LoginPlace): Promise<Account> {
    if (request.type === PASSWORD_LOGIN) return this.#byPassword(request, place);
    if (request.type === TOKEN_LOGIN && this.tokens.enabled) return this.#byToken(request, place);
    throw new MatrixError(400, 'M_UNKNOWN', `Unknown login type ${request.type}`);
  }

  async #byPassword(request: LoginRequest, place: LoginPlace): Promise<Account> {
    if (request.password === undefined) throw badJson('password is required');
    const { candidates, name } = await this.credentials.named(request, place.serverName);
    const account = await this.credentials.check(candidates, request.password, failuresOf(name, place));
    if (account === undefined) throw forbidden('Invalid username or password');
    return account;
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#token-based-user-login */
  async #byToken({ token }: LoginRequest, place: LoginPlace): Promise<Account> {
    if (token === undefined) throw badJson('token is required');
    const account = await countUnlessItSucceeds(this.limiter, failuresOf(undefined, place), () =>
      this.tokens.redeem(token),
    );
    if (account === undefined) throw forbidden('The login token is not known, used already or over');
    return account;
  }
}

/** Not by account alone, or anybody could lock its owner out. */
function failuresOf(account: string | undefined, { network }: LoginPlace): Count[] {
  const ofAccount: Count[] = account === undefined ? [] : [['login_failed', `${account} ${network}`]];
  return [...ofAccount, ['login_failed_per_network', network]];
}
