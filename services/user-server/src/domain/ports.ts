/** What the domain needs of the world. Storage, bus and the other services implement it; nothing here knows how. */

/** Who makes a request. */
export interface Requester {
  readonly userId: string;
  readonly deviceId: string;
  readonly guest: boolean;
}

export interface Account {
  readonly userId: string;
  readonly passwordHash: string | undefined;
  readonly admin: boolean;
  readonly guest: boolean;
  readonly deactivated: boolean;
}

export interface NewAccount {
  readonly userId: string;
  readonly passwordHash?: string;
  readonly admin?: boolean;
  readonly guest?: boolean;
  readonly userType?: string;
  readonly displayname?: string;
}

/** A token as it is stored: by its hash, with its lifetime from now on; without one it lasts for ever. */
export interface TokenRecord {
  readonly hash: Buffer;
  readonly lifetimeMs: number | undefined;
}

export interface TokenPair {
  readonly access: TokenRecord;
  readonly refresh?: TokenRecord;
}

export interface NewSession extends TokenPair {
  readonly deviceId: string;
  /** Given to the device when it is new. */
  readonly displayName?: string;
}

/** The hashes of access tokens that a change has ended. */
export type EndedTokens = readonly Buffer[];

export interface AccountStore {
  /** The first of the user ids that has an account. */
  find(userIds: readonly string[]): Promise<Account | undefined>;
  /** Makes an account and logs it in; false when the user id is taken. */
  create(account: NewAccount, session?: NewSession): Promise<boolean>;
  /** Makes a user of a guest; false when there is no such guest. */
  upgradeGuest(userId: string, passwordHash: string, session?: NewSession): Promise<EndedTokens | undefined>;
  /** Replaces one password by another; undefined when the old one is not current any more. */
  changePassword(userId: string, change: PasswordChange): Promise<EndedTokens | undefined>;
  /** Ends an account for good, with its devices and, to erase it, its data. Undefined when that was done before. */
  deactivate(userId: string, options: Deactivation): Promise<DeactivatedAccount | undefined>;
}

export interface PasswordChange {
  readonly from: string | undefined;
  readonly to: string;
  /** The one device that stays; all do when absent. */
  readonly onlyKeepDevice?: string;
}

export interface Deactivation {
  readonly erase: boolean;
  readonly leaveRooms: boolean;
}

export interface DeactivatedAccount {
  readonly ended: EndedTokens;
  readonly changes: readonly UserChangeRecord[];
}

/** Why there is no new session. */
export type Refusal = 'unknown' | 'expired';

export interface TokenOwner {
  readonly userId: string;
  readonly deviceId: string;
  readonly admin: boolean;
  readonly guest: boolean;
  /** 0 for a token that does not expire. */
  readonly expiresAtMs: number;
  readonly expired: boolean;
  /** The refresh token it came with, as long as neither of the two has been used. */
  readonly unusedRefreshTokenId: number | undefined;
}

export interface SessionStore {
  /** Logs in; undefined when the account is gone or its password is not `passwordHash` any more. */
  open(userId: string, passwordHash: string | undefined, session: NewSession): Promise<EndedTokens | undefined>;
  /** The owners of access tokens, in the order asked. */
  owners(hashes: readonly Buffer[]): Promise<(TokenOwner | undefined)[]>;
  /** Issues the successors of a refresh token, which stays valid until one of them is used. */
  refresh(hash: Buffer, successors: Required<TokenPair>): Promise<EndedTokens | Refusal>;
  /** A successor has been used: ends what it replaces; undefined when it was itself replaced. */
  confirmRefresh(owner: TokenOwner, refreshTokenId: number): Promise<EndedTokens | undefined>;
}

export interface Device {
  readonly deviceId: string;
  readonly displayName: string | undefined;
  readonly lastSeenMs: number | undefined;
}

export interface DeviceSighting {
  readonly userId: string;
  readonly deviceId: string;
  readonly seenMs: number;
}

export interface DeviceStore {
  list(userId: string): Promise<Device[]>;
  find(userId: string, deviceId: string): Promise<Device | undefined>;
  /** False when there is no such device. */
  rename(userId: string, deviceId: string, displayName: string): Promise<boolean>;
  /** Ends devices and their tokens; all of the user's when no ids are given. */
  remove(userId: string, deviceIds?: readonly string[]): Promise<EndedTokens>;
  recordSeen(sightings: readonly DeviceSighting[]): Promise<void>;
}

export interface UiaSession {
  readonly endpoint: string;
  readonly userId: string | undefined;
  readonly bodyDigest: Buffer | undefined;
  readonly completed: readonly string[];
}

export interface UiaSessionStore {
  create(hash: Buffer, session: UiaSession, lifetimeMs: number): Promise<void>;
  find(hash: Buffer): Promise<UiaSession | undefined>;
  /** Binds a session to a request's body unless it is bound; the digest it is bound to from now on. */
  bind(hash: Buffer, bodyDigest: Buffer): Promise<Buffer | undefined>;
  /** Notes a completed stage, unless the session has moved on from `before`; false then. */
  complete(hash: Buffer, before: readonly string[], stage: string): Promise<boolean>;
  /** Ends a session; only one caller is told true. */
  consume(hash: Buffer): Promise<boolean>;
}

export interface NonceStore {
  add(nonce: string, lifetimeMs: number): Promise<void>;
  /** Takes a nonce out; only one caller is told true, and only before it expires. */
  consume(nonce: string): Promise<boolean>;
}

export interface ProfileStore {
  /** Field names with their values as JSON text; undefined when there is no such user. */
  get(userId: string): Promise<ReadonlyMap<string, string> | undefined>;
  /** Sets a field unless the profile would grow beyond `maxBytes`; false then. */
  set(userId: string, field: ProfileField, maxBytes: number): Promise<boolean>;
  remove(userId: string, field: Omit<ProfileField, 'value'>): Promise<void>;
}

export interface ProfileField {
  readonly name: string;
  /** JSON text. */
  readonly value: string;
  /** Whether the user's rooms are to hear of it. */
  readonly propagate: boolean;
}

/** One change of a user's data, as it waits in the outbox until it was published. */
export interface UserChangeRecord {
  readonly outboxId: number;
  readonly userId: string;
  readonly userSeq: number;
  readonly roomId: string;
  readonly type: string;
  readonly content: string;
}

export interface AccountDataKey {
  readonly userId: string;
  /** Empty for global account data. */
  readonly roomId: string;
  readonly type: string;
}

/** Account data as it is stored. */
export interface StoredAccountData {
  /** JSON text. */
  readonly content: string;
  /** Of the change that brought it. */
  readonly userSeq: number;
}

export interface AccountDataStore {
  get(key: AccountDataKey): Promise<StoredAccountData | undefined>;
  /** Undefined when there is no such user. */
  set(key: AccountDataKey, content: string): Promise<UserChangeRecord | undefined>;
  /** As set, unless it has changed since a number; 0 stands for what there was not. */
  replace(key: AccountDataKey, content: string, expectedSeq: number): Promise<UserChangeRecord | 'changed' | undefined>;
}

export interface FilterStore {
  get(userId: string, filterId: string): Promise<string | undefined>;
  put(userId: string, filterId: string, definition: string): Promise<void>;
}

/** Tells the other services, after the commit, without making anybody wait. */
export interface Announcements {
  tokensEnded(hashes: EndedTokens): void;
  /** Changes of one user, in their order. */
  changed(changes: readonly UserChangeRecord[]): void;
}

/** Brings what is stored about a user to their rooms, after the commit; tries again later when that fails. */
export interface RoomUpdates {
  /** Resolves when the first attempt has ended, or has taken long. */
  deliver(userId: string): Promise<void>;
}

export interface Passwords {
  hash(password: string): Promise<string>;
  /** Takes as long for an absent hash as for any other. */
  verify(hash: string | undefined, password: string): Promise<boolean>;
}

export type RateLimitName = 'registration' | 'login_failed';

export interface RateLimiter {
  take(name: RateLimitName, key: string): Promise<{ readonly allowed: boolean; readonly retryAfterMs: number }>;
}
