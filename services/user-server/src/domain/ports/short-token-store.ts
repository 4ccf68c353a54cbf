/** What a token is good for. */
export type TokenPurpose = 'login' | 'openid';

/** Tokens for one use, or for a short time. */
export interface ShortTokenStore {
  create(hash: Buffer, purpose: TokenPurpose, userId: string, lifetimeMs: number): Promise<void>;
  /** Whose a token is; undefined when there is none, it has expired, or its owner has been deactivated. */
  owner(hash: Buffer, purpose: TokenPurpose): Promise<string | undefined>;
  /** As owner, and the token ends with that: of all who come at once, one is told. */
  take(hash: Buffer, purpose: TokenPurpose): Promise<string | undefined>;
}
