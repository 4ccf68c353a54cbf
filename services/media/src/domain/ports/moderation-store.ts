import type { FileName } from './file-store.js';

/** What happened to files by somebody's decision. */
export type ModerationAction = 'quarantine' | 'unquarantine' | 'protect' | 'unprotect' | 'delete';

/** Whose decision something was, for the record: an administrator's, or a rule's. */
export interface Decision {
  readonly actor: string;
  /** What it was about, such as a room or an age. */
  readonly reason?: string | undefined;
}

/** Which files something is done to. All that is given has to hold. */
export interface FileSelection {
  readonly names?: readonly FileName[];
  readonly userId?: string;
  /** Files of these servers only; or, with `not`, of all others. */
  readonly servers?: { readonly names: readonly string[]; readonly not?: boolean };
  /** Neither uploaded nor downloaded since, in milliseconds since the epoch. */
  readonly unusedSinceMs?: number;
  /** In bytes. */
  readonly largerThan?: number;
  readonly notProtected?: boolean;
}

/** Whose a file is. */
export interface OwnedFile extends FileName {
  readonly fileNid: number;
  readonly userId: string | undefined;
}

/** A file as administrators see it. */
export interface FileAccount extends OwnedFile {
  readonly contentType: string;
  readonly uploadName: string | undefined;
  readonly bytes: number;
  /** In milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly lastAccessAtMs: number;
  readonly quarantinedBy: string | undefined;
  readonly isProtected: boolean;
}

/** What administrators and the operator's rules do with files. Each change writes a row of the record per file. */
export interface ModerationStore {
  /**
   * Keeps the bytes of these files from everybody, under whatever name, and whatever may come by their names later; protected
   * ones are left as they are. How many files.
   *
   * @param absent names that are kept from everybody even when nothing is here that goes by them
   */
  quarantine(selection: FileSelection, decision: Decision, absent?: readonly FileName[]): Promise<number>;
  /** How many files, here or not. */
  unquarantine(names: readonly FileName[], decision: Decision): Promise<number>;
  /** How many files. */
  protect(names: readonly FileName[], isProtected: boolean, decision: Decision): Promise<number>;
  /** Removes some of the files; which. Their bytes go when nothing else has them. */
  remove(selection: FileSelection, most: number, decision: Decision): Promise<FileName[]>;
  /** The files of a user, the newest first, with how many there are. */
  list(userId: string, page: { from: number; limit: number }): Promise<{ files: FileAccount[]; total: number }>;
  /** Some of the files, in an order; those after this one. */
  select(selection: FileSelection, afterNid: number, most: number): Promise<OwnedFile[]>;
  /** Which of these we have. */
  known(names: readonly FileName[]): Promise<FileName[]>;
  /** Some of the files of servers not among these that were used least recently, to take no more than so many bytes together. */
  leastUsed(servers: readonly string[], maxBytes: number, most: number): Promise<FileName[]>;
  /** Notes that files were used just now. */
  touch(fileNids: readonly number[]): Promise<void>;
}
