import { MatrixError } from '@ganglion/contracts';
import { withAddress } from './email-failures.js';
import { forbidden } from './failures.js';
import type { AccountStore, NewAccount, Passwords } from './ports.js';
import { RegistrationTokenSpentError } from './registration-token-spent-error.js';
import type { DeviceRequest, Sessions, StartedSession } from './sessions.js';
import type { InteractiveAttempt } from './user-interactive-auth.js';

/** A new account, logged in unless it was not to be. */
export interface CreatedAccount {
  readonly userId: string;
  readonly session?: StartedSession;
}

export const userInUse = () => new MatrixError(400, 'M_USER_IN_USE', 'This user id is taken');

/**
 * @throws MatrixError M_FORBIDDEN when others were faster with the last use of a registration token; M_THREEPID_IN_USE,
 *   M_THREEPID_AUTH_FAILED when they were with an e-mail address
 */
export async function unlessSpent<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await withAddress(work);
  } catch (error) {
    if (error instanceof RegistrationTokenSpentError) throw forbidden('The registration token has been used up');
    throw error;
  }
}

/** Makes accounts, whoever decided that they may be made. */
export class AccountCreation {
  constructor(
    private readonly accounts: AccountStore,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
  ) {}

  /**
   * @param device the device to log in, if any
   * @param attempt of whom interactive authentication has let in
   * @throws MatrixError M_USER_IN_USE, however many ask for the name at once; M_FORBIDDEN when others have used up the
   *   registration token meanwhile
   */
  async create(
    account: Omit<NewAccount, 'passwordHash'>,
    password: string | undefined,
    device: DeviceRequest | undefined,
    attempt?: InteractiveAttempt,
  ): Promise<CreatedAccount> {
    const passwordHash = password === undefined ? undefined : await this.passwords.hash(password);
    const prepared = device && this.sessions.prepare(account.userId, device);
    const complete = { ...account, ...(passwordHash !== undefined && { passwordHash }) };
    const created = { userId: account.userId, ...(prepared && { session: prepared.started }) };
    const create = () => this.accounts.create(complete, prepared?.session, attempt?.completion(created));
    if (!(await unlessSpent(create))) throw userInUse();
    return created;
  }
}
