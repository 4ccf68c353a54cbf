export interface UiaSession {
  readonly endpoint: string;
  readonly userId: string | undefined;
  /** The ways to authenticate, as lists of stages; undefined for a session of an earlier release. */
  readonly flows: readonly (readonly string[])[] | undefined;
  /** What was asked for, sealed with the session's id. */
  readonly parameters: Buffer;
  readonly completed: readonly string[];
  /** What the completed stages have shown, by stage, sealed; undefined for a session of an earlier release. */
  readonly evidence: Buffer | undefined;
  /** What the request was answered, sealed, once it has been carried out. */
  readonly result: Buffer | undefined;
}

/** That a request is carried out, to be stored in one transaction with what it does. */
export interface SessionCompletion {
  readonly sessionHash: Buffer;
  /** Sealed. */
  readonly result: Buffer;
}

export interface UiaSessionStore {
  create(hash: Buffer, session: Omit<UiaSession, 'result'>, lifetimeMs: number): Promise<void>;
  /** Undefined when there is none, or it has expired. */
  find(hash: Buffer): Promise<UiaSession | undefined>;
  /** Replaces what was asked for, unless it is not `before` any more; false then. */
  extend(hash: Buffer, before: Buffer, parameters: Buffer): Promise<boolean>;
  /** Notes a completed stage and all evidence, unless the session has moved on from `before`; false then. */
  complete(hash: Buffer, before: readonly string[], stage: string, evidence: Buffer): Promise<boolean>;
}
