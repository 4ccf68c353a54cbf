import { forbidden, unknownToken } from './failures.js';
import type { Account, Announcements, NewSession, SessionStore } from './ports.js';
import {
  hashToken,
  type IssuedTokens,
  issueAccessToken,
  issueRefreshable,
  type RefreshableTokens,
  randomDeviceId,
  type TokenLifetimes,
} from './session-tokens.js';

/** What a client says about the device that it logs in. */
export interface DeviceRequest {
  readonly deviceId?: string | undefined;
  readonly initialDeviceDisplayName?: string | undefined;
  readonly refreshToken?: boolean | undefined;
}

/** What a client gets when it has logged in. */
export interface StartedSession extends IssuedTokens {
  readonly userId: string;
  readonly deviceId: string;
}

const MAX_DISPLAY_NAME = 100;

/** Logged-in devices and their tokens. */
export class Sessions {
  constructor(
    private readonly store: SessionStore,
    private readonly announcements: Announcements,
    private readonly lifetimes: TokenLifetimes,
  ) {}

  /** A session that is yet to be stored, and what its client will be told. */
  prepare(userId: string, request: DeviceRequest): { session: NewSession; started: StartedSession } {
    const { tokens, pair } = request.refreshToken ? issueRefreshable(this.lifetimes) : issueAccessToken(this.lifetimes);
    const deviceId = request.deviceId || randomDeviceId();
    const displayName = request.initialDeviceDisplayName?.slice(0, MAX_DISPLAY_NAME);
    return {
      session: { ...pair, deviceId, ...(displayName !== undefined && { displayName }) },
      started: { ...tokens, userId, deviceId },
    };
  }

  /**
   * Logs in a device of an account whose owner has shown who they are. Tokens that a known device had before end.
   *
   * @throws MatrixError M_FORBIDDEN when the account or its password has changed meanwhile
   * @see https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices
   */
  async start(account: Account, request: DeviceRequest): Promise<StartedSession> {
    const { session, started } = this.prepare(account.userId, request);
    const ended = await this.store.open(account.userId, account.passwordHash, session);
    if (ended === undefined) throw forbidden('The account has changed while you were logging in');
    this.announcements.tokensEnded(ended);
    return started;
  }

  /**
   * Exchanges a refresh token for new tokens. It stays valid until one of them is used, so that a client that never got
   * the answer can ask again.
   *
   * @throws MatrixError M_UNKNOWN_TOKEN, with soft_logout when the token has merely expired
   * @see https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
   */
  async refresh(refreshToken: string): Promise<RefreshableTokens> {
    const { tokens, pair } = issueRefreshable(this.lifetimes);
    const result = await this.store.refresh(hashToken(refreshToken), pair);
    if (result === 'expired') throw unknownToken('The refresh token has expired', true);
    if (result === 'unknown') throw unknownToken('The refresh token is not known, or has been used already');
    this.announcements.tokensReplaced(result);
    return tokens;
  }
}
