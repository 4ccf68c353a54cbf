import { forbidden, missingParam } from './failures.js';
import type { PasswordPolicy } from './password-policy.js';
import type { AccountStore, Announcements, Passwords, Requester, RoomUpdates } from './ports.js';
import { PASSWORD_FLOWS } from './uia-stages.js';
import type { InteractiveAttempt } from './user-interactive-auth.js';

/** In one answer. */
const MOST_ERASED = 1_000;

/** What users do with their own accounts. @see https://spec.matrix.org/v1.19/client-server-api/#legacy-account-management */
export class Accounts {
  constructor(
    private readonly store: AccountStore,
    private readonly passwords: Passwords,
    private readonly policy: PasswordPolicy,
    private readonly announcements: Announcements,
    private readonly roomUpdates: RoomUpdates | undefined,
    private readonly accountsExpire = false,
  ) {}

  /**
   * Sets a new password and, unless told otherwise, logs out all other devices.
   *
   * @throws MatrixError M_WEAK_PASSWORD, M_MISSING_PARAM without a new password, M_FORBIDDEN when the password has been changed by somebody else meanwhile
   * @throws UiaChallenge
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword
   */
  async changePassword(
    { userId, deviceId }: Requester,
    { newPassword, logoutDevices }: { newPassword: string | undefined; logoutDevices: boolean },
    attempt: InteractiveAttempt,
  ): Promise<void> {
    if (newPassword !== undefined) this.policy.check(newPassword);
    const account = await this.store.find([userId]);
    await attempt.pass(PASSWORD_FLOWS);
    if (newPassword === undefined) throw missingParam('new_password is required');
    const change = {
      from: account?.passwordHash,
      to: await this.passwords.hash(newPassword),
      ...(logoutDevices && { onlyKeepDevices: [deviceId] }),
    };
    const ended = await this.store.changePassword(userId, change, attempt.completion(null));
    if (ended === undefined) throw forbidden('The password has changed meanwhile');
    this.announcements.devicesGone(ended);
  }

  /**
   * Ends an account for good: nobody logs in to it again, nobody takes its name, and it leaves its rooms.
   *
   * @throws UiaChallenge
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
   */
  async deactivate({ userId }: Requester, erase: boolean, attempt: InteractiveAttempt): Promise<void> {
    await attempt.pass(PASSWORD_FLOWS);
    const leaveRooms = this.roomUpdates !== undefined;
    const deactivated = await this.store.deactivate(userId, { erase, leaveRooms }, attempt.completion(null));
    if (deactivated === undefined) return;
    this.announcements.devicesGone(deactivated);
    await this.roomUpdates?.deliver(userId);
  }

  /** Whether there is an account, and what it may be used for. */
  async status(userId: string) {
    const account = await this.store.find([userId]);
    if (account === undefined || account.deactivated) return { ended: true, locked: false, suspended: false };
    const locked = account.locked || (this.accountsExpire && account.expired);
    return { ended: false, locked, suspended: account.suspended };
  }

  /** Who was erased since a time, in milliseconds since the epoch, by their ids: those after this one. */
  listErased(sinceMs: number, afterUser: string, limit: number): Promise<string[]> {
    return this.store.listErased(sinceMs, afterUser, Math.min(Math.max(limit, 1), MOST_ERASED));
  }
}
