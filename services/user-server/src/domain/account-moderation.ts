import { isValidUserId, parseUserId } from '@ganglion/protocol';
import { checkAdmin } from './administrators.js';
import { forbidden, invalidParam, notFound } from './failures.js';
import type { LocalServers } from './local-servers.js';
import type { Account, AccountStore, Announcements, Device, DeviceStore, Moderation, Requester } from './ports.js';

/**
 * What administrators do about accounts. Whether somebody is one is looked at first, so that nobody else learns who has an
 * account.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-moderation
 */
export class AccountModeration {
  constructor(
    private readonly accounts: AccountStore,
    private readonly devices: DeviceStore,
    private readonly announcements: Announcements,
    private readonly servers: LocalServers,
  ) {}

  /**
   * Whether an account is locked or suspended.
   *
   * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM for somebody of another server, M_NOT_FOUND
   */
  async get(requester: Requester, userId: string, moderation: Moderation): Promise<boolean> {
    return (await this.#subject(requester, userId))[moderation];
  }

  /**
   * Locks or suspends an account, or lets it go on: known to every replica at once, to requests that wait, too.
   *
   * @throws MatrixError as get, and M_FORBIDDEN for the administrator's own account
   */
  async set(requester: Requester, userId: string, moderation: Moderation, applies: boolean): Promise<void> {
    await this.#subject(requester, userId);
    if (requester.userId === userId) throw forbidden('You cannot do this to your own account');
    const tokens = await this.accounts.moderate(userId, moderation, applies);
    if (tokens === undefined) throw notFound('There is no such user');
    this.announcements.tokenOwnerChanged(tokens);
  }

  /**
   * The devices of a user, for themselves and for administrators.
   *
   * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM for somebody of another server, M_NOT_FOUND
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3adminwhoisuserid
   */
  async whoIs(requester: Requester, userId: string): Promise<Device[]> {
    if (requester.userId !== userId) {
      checkAdmin(requester);
      await this.#find(userId);
    }
    return this.devices.list(userId);
  }

  async #subject(requester: Requester, userId: string): Promise<Account> {
    checkAdmin(requester);
    const account = await this.#find(userId);
    if (account.deactivated) throw notFound('There is no such user');
    if (account.admin && requester.userId !== userId) throw forbidden('You cannot do this to another administrator');
    return account;
  }

  async #find(userId: string): Promise<Account> {
    if (!isValidUserId(userId)) throw invalidParam('This is not a user id');
    if (!this.servers.has(parseUserId(userId).serverName)) throw invalidParam(`${userId} is a user of another server`);
    const account = await this.accounts.find([userId]);
    if (account === undefined) throw notFound('There is no such user');
    return account;
  }
}
