import { type RateLimiter, takeOrThrow } from '@ganglion/contracts';
import { parseUserId } from '@ganglion/protocol';
import { type AccountCreation, type CreatedAccount, userInUse } from './account-creation.js';
import { forbidden, missingParam } from './failures.js';
import type { GuestUpgrade } from './guest-upgrade.js';
import type { PasswordPolicy } from './password-policy.js';
import type { AccountStore } from './ports.js';
import { admissionOf } from './registration-flows.js';
import type { DeviceRequest } from './sessions.js';
import type { Flow } from './uia-challenge.js';
import type { InteractiveAttempt } from './user-interactive-auth.js';
import { randomUserId, userIdForUsername } from './usernames.js';

export interface RegistrationSettings {
  readonly enabled: boolean;
  readonly guests: boolean;
  /** The ways to get an account. */
  readonly flows: readonly Flow[];
}

export interface RegistrationRequest extends DeviceRequest {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly inhibitLogin?: boolean | undefined;
  /** Of the guest whose account this becomes. */
  readonly guestAccessToken?: string | undefined;
}

/** Where an account is to be, and who asks for it, for the rate limit. */
export interface RegistrationPlace {
  readonly serverName: string;
  readonly address: string;
}

/** Registration by anybody. @see https://spec.matrix.org/v1.19/client-server-api/#legacy-account-registration */
export class Registration {
  constructor(
    private readonly settings: RegistrationSettings,
    private readonly accounts: AccountStore,
    private readonly creation: AccountCreation,
    private readonly guestUpgrade: GuestUpgrade,
    private readonly policy: PasswordPolicy,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * @throws MatrixError M_INVALID_USERNAME, M_USER_IN_USE, M_FORBIDDEN when nobody may register
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3registeravailable
   */
  async checkUsername(username: string, serverName: string): Promise<void> {
    this.#checkEnabled();
    await this.#checkFree(userIdForUsername(username, serverName));
  }

  /**
   * @throws MatrixError as checkUsername, M_WEAK_PASSWORD, M_MISSING_PARAM without a password, M_LIMIT_EXCEEDED
   * @throws UiaChallenge
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register
   */
  async register(
    request: RegistrationRequest,
    attempt: InteractiveAttempt,
    { serverName, address }: RegistrationPlace,
  ): Promise<CreatedAccount> {
    this.#checkEnabled();
    const { username, password, guestAccessToken } = request;
    const userId = username === undefined ? randomUserId(serverName) : userIdForUsername(username, serverName);
    if (guestAccessToken === undefined) await this.#checkFree(userId);
    else await this.guestUpgrade.check(userId, guestAccessToken);
    if (password !== undefined) this.policy.check(password);
    const admission = admissionOf(await attempt.pass(this.settings.flows));
    if (password === undefined) throw missingParam('password is required');
    await takeOrThrow(this.limiter, 'registration', address);
    const device = request.inhibitLogin ? undefined : request;
    if (guestAccessToken !== undefined) {
      return this.guestUpgrade.upgrade({ userId, password, admission, device }, attempt);
    }
    const displayname = parseUserId(userId).localpart;
    return this.creation.create({ userId, displayname, admission }, password, device, attempt);
  }

  /**
   * Makes a guest, whose name and device are ours to choose.
   *
   * @throws MatrixError M_FORBIDDEN when guests are not allowed, M_LIMIT_EXCEEDED
   * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
   */
  async registerGuest(
    initialDeviceDisplayName: string | undefined,
    { serverName, address }: RegistrationPlace,
  ): Promise<CreatedAccount> {
    if (!this.settings.guests) throw forbidden('Guest access is disabled');
    await takeOrThrow(this.limiter, 'registration', address);
    const guest = { userId: randomUserId(serverName), guest: true };
    return this.creation.create(guest, undefined, { initialDeviceDisplayName });
  }

  #checkEnabled(): void {
    if (!this.settings.enabled) throw forbidden('Registration is disabled');
  }

  async #checkFree(userId: string): Promise<void> {
    if ((await this.accounts.find([userId])) !== undefined) throw userInUse();
  }
}
