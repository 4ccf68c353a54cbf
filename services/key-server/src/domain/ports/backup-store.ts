/** A key as a client keeps it in its backup. @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups */
export interface BackupKey {
  readonly firstMessageIndex: number;
  readonly forwardedCount: number;
  readonly isVerified: boolean;
  /** A JSON object as text. */
  readonly sessionData: string;
}

/** A key with the session that it is for. */
export interface SessionKey extends BackupKey {
  readonly roomId: string;
  readonly sessionId: string;
}

export interface Backup {
  readonly version: number;
  readonly algorithm: string;
  /** A JSON object as text. */
  readonly authData: string;
  readonly count: number;
  /** Changes with every change of the keys. */
  readonly etag: number;
}

/** Of one user: all keys, those of a room, or that of a session. */
export interface KeyScope {
  readonly roomId?: string | undefined;
  readonly sessionId?: string | undefined;
}

export type SessionName = Pick<SessionKey, 'roomId' | 'sessionId'>;

/** Some keys of a backup: about a megabyte at most, but for a single one that is larger. */
export interface KeyPage {
  readonly keys: readonly SessionKey[];
  /** Whether there are none behind. */
  readonly isLast: boolean;
}

/** How many keys a backup has now. */
export type BackupState = Pick<Backup, 'count' | 'etag'>;

export interface BackupStore {
  /** Begins a backup, which is the current one from now on; its version. */
  create(userId: string, algorithm: string, authData: string): Promise<number>;
  /** The current one without a version. */
  find(userId: string, version?: number): Promise<Backup | undefined>;
  /** Replaces what a backup's algorithm needs to know; false when there is none with this algorithm. */
  update(userId: string, version: number, algorithm: string, authData: string): Promise<boolean>;
  /** Removes a backup with its keys; false when there never was one. */
  remove(userId: string, version: number): Promise<boolean>;
  /**
   * Adds keys to the current backup; of two for one session the better one stays. The version of the current backup when
   * that is another one, undefined when there is none.
   */
  putKeys(
    userId: string,
    version: number,
    keys: readonly SessionKey[],
  ): Promise<BackupState | { readonly current: number } | undefined>;
  /** The first keys behind one, in the order of their rooms and sessions. Undefined when there is no such backup. */
  keys(userId: string, version: number, scope: KeyScope, behind?: SessionName): Promise<KeyPage | undefined>;
  /** Undefined when there is no such backup. */
  removeKeys(userId: string, version: number, scope: KeyScope): Promise<BackupState | undefined>;
}
