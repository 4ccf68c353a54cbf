export interface DeviceKey {
  readonly userId: string;
  readonly deviceId: string;
}

export interface EndedToken extends DeviceKey {
  readonly hash: Buffer;
}

/** The access tokens of one user that a change has ended. */
export type EndedTokens = readonly EndedToken[];

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

export interface TokenOwner extends DeviceKey {
  /** Tells the device from those that had its id before; undefined for one from before these were counted. */
  readonly deviceNid: number | undefined;
  readonly admin: boolean;
  readonly guest: boolean;
  readonly locked: boolean;
  readonly suspended: boolean;
  /** 0 for a token that does not expire. */
  readonly expiresAtMs: number;
  readonly expired: boolean;
  /** When the account does; undefined for one that does not. */
  readonly accountExpiresAtMs: number | undefined;
  /** The refresh token it came with, as long as neither of the two has been used. */
  readonly unusedRefreshTokenId: number | undefined;
}

/** The tokens that come after a refresh token. */
export interface Successors {
  readonly pair: Required<TokenPair>;
  /** What their client is told of them, sealed with the token that they come after. */
  readonly sealed: Buffer;
}

export interface Refreshed {
  readonly sealed: Buffer;
  readonly ended: EndedTokens;
}

/** Why there is no new session. */
export type Refusal = 'unknown' | 'expired' | 'locked';

export interface SessionStore {
  /** Logs in; undefined when the account is gone or its password is not `passwordHash` any more. */
  open(userId: string, passwordHash: string | undefined, session: NewSession): Promise<EndedTokens | undefined>;
  /** The owners of access tokens, in the order asked. */
  owners(hashes: readonly Buffer[]): Promise<(TokenOwner | undefined)[]>;
  /**
   * Issues the successors of a refresh token, which stays valid until one of them is used; and as long as it is, the same
   * ones again, with their lifetimes anew.
   */
  refresh(hash: Buffer, issue: (device: DeviceKey) => Successors): Promise<Refreshed | Refusal>;
  /** A successor has been used: ends what it replaces; undefined when it was itself replaced. */
  confirmRefresh(owner: TokenOwner, refreshTokenId: number): Promise<EndedTokens | undefined>;
}
