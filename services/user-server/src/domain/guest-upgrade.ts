import { type CreatedAccount, unlessSpent, userInUse } from './account-creation.js';
import { forbidden } from './failures.js';
import type { AccountStore, Admission, Announcements, Passwords } from './ports.js';
import { hashToken } from './session-tokens.js';
import type { DeviceRequest, Sessions } from './sessions.js';
import type { TokenOwners } from './token-owners.js';
import type { InteractiveAttempt } from './user-interactive-auth.js';

export interface UpgradeRequest {
  readonly userId: string;
  readonly password: string;
  readonly admission: Admission;
  /** The device to log in, if any. */
  readonly device: DeviceRequest | undefined;
}

/** Guests who become users and keep their name. @see https://spec.matrix.org/v1.19/client-server-api/#guest-access */
export class GuestUpgrade {
  constructor(
    private readonly accounts: AccountStore,
    private readonly owners: TokenOwners,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly announcements: Announcements,
  ) {}

  /** @throws MatrixError M_UNKNOWN_TOKEN, or M_FORBIDDEN when the token is not that of a guest with this user id */
  async check(userId: string, guestAccessToken: string): Promise<void> {
    const owner = await this.owners.whoIs(hashToken(guestAccessToken));
    if (!owner.guest || owner.userId !== userId) throw forbidden('The guest access token belongs to somebody else');
  }

  /** @throws MatrixError M_USER_IN_USE when the account is not a guest's any more */
  async upgrade(
    { userId, password, admission, device }: UpgradeRequest,
    attempt: InteractiveAttempt,
  ): Promise<CreatedAccount> {
    const passwordHash = await this.passwords.hash(password);
    const prepared = device && this.sessions.prepare(userId, device);
    const upgraded = { userId, ...(prepared && { session: prepared.started }) };
    const completion = attempt.completion(upgraded);
    const upgrade = () => this.accounts.upgradeGuest(userId, passwordHash, admission, prepared?.session, completion);
    const ended = await unlessSpent(upgrade);
    if (ended === undefined) throw userInUse();
    this.announcements.devicesGone(ended);
    return upgraded;
  }
}
