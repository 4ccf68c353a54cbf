import { MatrixError } from '@ganglion/contracts';
import { withAddress } from './email-failures.js';
import { EMAIL_IDENTITY, type ShownEmail } from './email-stage.js';
import { EMAIL, type Emails } from './emails.js';
import { forbidden, missingParam } from './failures.js';
import type { PasswordPolicy } from './password-policy.js';
import type { AccountStore, Announcements, Passwords, ThirdPartyIdStore } from './ports.js';
import type { InteractiveAttempt } from './user-interactive-auth.js';

/** A new password for who has forgotten theirs, and reads the e-mails of the account. */
export class PasswordReset {
  constructor(
    private readonly emails: Emails,
    private readonly addresses: ThirdPartyIdStore,
    private readonly accounts: AccountStore,
    private readonly passwords: Passwords,
    private readonly policy: PasswordPolicy,
    private readonly announcements: Announcements,
  ) {}

  /**
   * @throws UiaChallenge
   * @throws MatrixError M_MISSING_TOKEN where no e-mail is sent, M_WEAK_PASSWORD, M_MISSING_PARAM, M_THREEPID_AUTH_FAILED when
   *   the e-mail has served already
   * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword
   */
  async reset(
    { newPassword, logoutDevices }: { newPassword: string | undefined; logoutDevices: boolean },
    serverName: string,
    attempt: InteractiveAttempt,
  ): Promise<void> {
    if (!this.emails.enabled) throw new MatrixError(401, 'M_MISSING_TOKEN', 'An access token is required');
    if (newPassword !== undefined) this.policy.check(newPassword);
    const shown = (await attempt.pass([[EMAIL_IDENTITY]]))[EMAIL_IDENTITY] as ShownEmail;
    if (newPassword === undefined) throw missingParam('new_password is required');
    const owner = await this.addresses.owner(serverName, { medium: EMAIL, address: shown.address });
    const account = owner === undefined ? undefined : await this.accounts.find([owner]);
    if (account === undefined) throw forbidden('This address belongs to no account');
    const change = {
      from: account.passwordHash,
      to: await this.passwords.hash(newPassword),
      emailSession: shown.sessionId,
      ...(logoutDevices && { onlyKeepDevices: [] }),
    };
    const completion = attempt.completion(null);
    const ended = await withAddress(() => this.accounts.changePassword(account.userId, change, completion));
    if (ended === undefined) throw forbidden('The password has changed meanwhile');
    this.announcements.devicesGone(ended);
  }
}
