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
  /** Notes that a nonce is used, for a while at least; only one caller is told true. */
  use(nonce: string, rememberMs: number): Promise<boolean>;
}
