import type { EndedDevices } from './device-store.js';
import type { EndedTokens, NewSession } from './session-store.js';
import type { SessionCompletion } from './uia-session-store.js';

export interface Account {
  readonly userId: string;
  readonly passwordHash: string | undefined;
  readonly admin: boolean;
  readonly guest: boolean;
  readonly deactivated: boolean;
  readonly locked: boolean;
  readonly suspended: boolean;
  /** Whether it was not renewed in time; that makes no difference where accounts do not expire. */
  readonly expired: boolean;
}

/** What administrators may do to an account, and undo. */
export type Moderation = 'locked' | 'suspended';

export interface NewAccount {
  readonly userId: string;
  readonly passwordHash?: string;
  readonly admin?: boolean;
  readonly guest?: boolean;
  readonly userType?: string;
  readonly displayname?: string;
  readonly admission?: Admission;
}

/** On what terms somebody was let in. */
export interface Admission {
  /** One use of which it is. */
  readonly registrationToken?: string | undefined;
  /** The versions of the policies that they have agreed to, by policy. */
  readonly acceptedTerms?: Readonly<Record<string, string>> | undefined;
  /** The session in which they have shown that an e-mail address is theirs. */
  readonly emailSession?: string | undefined;
}

export interface PasswordChange {
  readonly from: string | undefined;
  readonly to: string;
  /** The devices that stay; all do when absent. */
  readonly onlyKeepDevices?: readonly string[];
  /** The session that has let somebody in who knows no password, which ends with that. */
  readonly emailSession?: string;
}

export interface Deactivation {
  readonly erase: boolean;
  readonly leaveRooms: boolean;
}

/** All changes throw SessionCompletedError, and change nothing, when the authentication session has brought them already. */
export interface AccountStore {
  /** The first of the user ids that has an account. */
  find(userIds: readonly string[]): Promise<Account | undefined>;
  /** Those of some users who are guests. */
  guestsAmong(userIds: readonly string[]): Promise<string[]>;
  /** Who was erased since a time, in milliseconds since the epoch, by their ids; at most so many, after this one. */
  listErased(sinceMs: number, afterUser: string, limit: number): Promise<string[]>;
  /**
   * Makes an account and logs it in; false when the user id is taken.
   *
   * @throws RegistrationTokenSpentError, EmailSessionGoneError, AddressInUseError
   */
  create(account: NewAccount, session?: NewSession, completion?: SessionCompletion): Promise<boolean>;
  /** Makes a user of a guest; undefined when there is no such guest. Throws as create does. */
  upgradeGuest(
    userId: string,
    passwordHash: string,
    admission: Admission,
    session?: NewSession,
    completion?: SessionCompletion,
  ): Promise<EndedDevices | undefined>;
  /** Replaces one password by another; undefined when the old one is not current any more. @throws EmailSessionGoneError */
  changePassword(
    userId: string,
    change: PasswordChange,
    completion?: SessionCompletion,
  ): Promise<EndedDevices | undefined>;
  /** Ends an account for good, with its devices and, to erase it, its data. Undefined when that was done before. */
  deactivate(userId: string, options: Deactivation, completion?: SessionCompletion): Promise<EndedDevices | undefined>;
  /**
   * Locks or suspends an account, or lets it go on; the tokens whose owner may do something else since. Undefined when there
   * is no such account, or it is an administrator's.
   */
  moderate(userId: string, moderation: Moderation, applies: boolean): Promise<EndedTokens | undefined>;
}
