import type { MatrixError } from '@ganglion/contracts';
import { forbidden, unknownToken } from './failures.js';
import { accountLocked } from './locked.js';
import type { Account, Announcements, DeviceKey, DeviceStore, NewSession, SessionStore } from './ports.js';
import { seal, unseal } from './sealed.js';
import {
  claimedDevice,
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
    private readonly devices: DeviceStore,
    private readonly announcements: Announcements,
    private readonly lifetimes: TokenLifetimes,
  ) {}

  /** A session that is yet to be stored, and what its client will be told. */
  prepare(userId: string, request: DeviceRequest): { session: NewSession; started: StartedSession } {
    const deviceId = request.deviceId || randomDeviceId();
    const { tokens, pair } = request.refreshToken
      ? issueRefreshable({ userId, deviceId }, this.lifetimes)
      : issueAccessToken(this.lifetimes);
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
   * Exchanges a refresh token for new tokens. It stays valid until one of them is used, and is exchanged for the same ones
   * until then: so a client that never got the answer can ask again, and the parts of one that ask at once get on together.
   *
   * @throws MatrixError M_UNKNOWN_TOKEN, with soft_logout when logging in again brings the same device back; M_USER_LOCKED
   * @see https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
   */
  async refresh(refreshToken: string): Promise<RefreshableTokens> {
    const issue = (device: DeviceKey) => {
      const { tokens, pair } = issueRefreshable(device, this.lifetimes);
      return { pair, sealed: seal(tokens, refreshToken) };
    };
    const result = await this.store.refresh(hashToken(refreshToken), issue);
    if (result === 'locked') throw accountLocked();
    if (result === 'expired') throw unknownToken('The refresh token has expired', true);
    if (result === 'unknown') throw await this.#unknownRefreshToken(refreshToken);
    this.announcements.tokensReplaced(result.ended);
    return unseal(result.sealed, refreshToken);
  }

  async #unknownRefreshToken(refreshToken: string): Promise<MatrixError> {
    const claimed = claimedDevice(refreshToken);
    const lives = claimed && (await this.devices.find(claimed.userId, claimed.deviceId)) !== undefined;
    return unknownToken('The refresh token is not known, or has been used already', lives);
  }
}
