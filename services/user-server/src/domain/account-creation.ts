import { MatrixError } from '@ganglion/contracts';
import type { AccountStore, NewAccount, Passwords } from './ports.js';
import type { DeviceRequest, Sessions, StartedSession } from './sessions.js';

/** A new account, logged in unless it was not to be. */
export interface CreatedAccount {
  readonly userId: string;
  readonly session?: StartedSession;
}

export const userInUse = () => new MatrixError(400, 'M_USER_IN_USE', 'This user id is taken');

/** Makes accounts, whoever decided that they may be made. */
export class AccountCreation {
  constructor(
    private readonly accounts: AccountStore,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
  ) {}

  /**
   * @param device the device to log in, if any
   * @throws MatrixError M_USER_IN_USE, however many ask for the name at once
   */
  async create(
    account: Omit<NewAccount, 'passwordHash'>,
    password: string | undefined,
    device: DeviceRequest | undefined,
  ): Promise<CreatedAccount> {
    const passwordHash = password === undefined ? undefined : await this.passwords.hash(password);
    const prepared = device && this.sessions.prepare(account.userId, device);
    const complete = { ...account, ...(passwordHash !== undefined && { passwordHash }) };
    if (!(await this.accounts.create(complete, prepared?.session))) throw userInUse();
    return { userId: account.userId, ...(prepared && { session: prepared.started }) };
  }
}
