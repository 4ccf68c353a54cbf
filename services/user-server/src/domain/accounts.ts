import { forbidden } from './failures.js';
import type { PasswordPolicy } from './password-policy.js';
import type { AccountStore, Announcements, Passwords, Requester, RoomUpdates } from './ports.js';
import type { InteractiveRequest } from './uia-request.js';
import { PASSWORD_FLOWS } from './uia-stages.js';
import type { UserInteractiveAuth } from './user-interactive-auth.js';

/** What users do with their own accounts. @see https://spec.matrix.org/v1.19/client-server-api/#legacy-account-management */
export class Accounts {
  constructor(
    private readonly store: AccountStore,
    private readonly uia: UserInteractiveAuth,
    private readonly passwords: Passwords,
    private readonly policy: PasswordPolicy,
    private readonly announcements: Announcements,
    private readonly roomUpdates: RoomUpdates | undefined,
  ) {}

  /**
   * Sets a new password and, unless told otherwise, logs out all other devices.
   *
   * @throws MatrixError M_WEAK_PASSWORD, M_FORBIDDEN when the password has been changed by somebody else meanwhile
   * @throws UiaChallenge
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword
   */
  async changePassword(
    { userId, deviceId }: Requester,
    { newPassword, logoutDevices }: { newPassword: string; logoutDevices: boolean },
    interactive: InteractiveRequest,
  ): Promise<void> {
    this.policy.check(newPassword);
    const account = await this.store.find([userId]);
    await this.uia.pass(interactive, PASSWORD_FLOWS);
    const ended = await this.store.changePassword(userId, {
      from: account?.passwordHash,
      to: await this.passwords.hash(newPassword),
      ...(logoutDevices && { onlyKeepDevice: deviceId }),
    });
    if (ended === undefined) throw forbidden('The password has changed meanwhile');
    this.announcements.tokensEnded(ended);
  }

  /**
   * Ends an account for good: nobody logs in to it again, nobody takes its name, and it leaves its rooms.
   *
   * @throws UiaChallenge
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
   */
  async deactivate({ userId }: Requester, erase: boolean, interactive: InteractiveRequest): Promise<void> {
    await this.uia.pass(interactive, PASSWORD_FLOWS);
    const leaveRooms = this.roomUpdates !== undefined;
    const deactivated = await this.store.deactivate(userId, { erase, leaveRooms });
    if (deactivated === undefined) return;
    this.announcements.tokensEnded(deactivated.ended);
    this.announcements.changed(deactivated.changes);
    await this.roomUpdates?.deliver(userId);
  }
}
