/** Names a file everywhere. @see https://spec.matrix.org/v1.19/client-server-api/#matrix-content-mxc-uris */
export interface FileName {
  readonly serverName: string;
  readonly mediaId: string;
}

/** The bytes of a file as they are stored; files with the same bytes share them. */
export interface Blob {
  readonly blobNid: number;
  readonly key: string;
  readonly bytes: number;
  readonly sha256: Buffer;
  /** As of `StoredBytes`. */
  readonly crc32: number | undefined;
}

/** A file, or the place of one that has yet to be uploaded. */
export interface StoredFile extends FileName {
  readonly fileNid: number;
  /** Who uploaded it; undefined for what is not of ours. */
  readonly userId: string | undefined;
  readonly contentType: string;
  readonly uploadName: string | undefined;
  /** Undefined until it is uploaded. */
  readonly blob: Blob | undefined;
  /** Until when it has to be uploaded, in milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined;
  /** Only who shows an access token may have it. */
  readonly authenticatedOnly: boolean;
  /** Nobody may have it. */
  readonly quarantined: boolean;
}

/** What is known of bytes when they are stored. */
export interface StoredBytes {
  readonly key: string;
  readonly sha256: Buffer;
  /** What a reader compares bytes with, at a tenth of the work of the hash; undefined for what was stored when there was none. */
  readonly crc32: number | undefined;
  readonly bytes: number;
}

/** A file that is to be kept with its bytes. */
export interface NewFile extends FileName, StoredBytes {
  readonly userId: string;
  readonly contentType: string;
  readonly uploadName: string | undefined;
  readonly authenticatedOnly: boolean;
}

/** In bytes; undefined is any amount. */
export interface Quotas {
  readonly user: number | undefined;
  readonly server: number | undefined;
}

/** Why a file was not kept. */
export type Refusal = 'over the quota of the user' | 'over the quota of the server' | 'has content' | 'too late';

/** What is known of files. */
export interface FileStore {
  find(name: FileName): Promise<StoredFile | undefined>;
  /** Which of these have been uploaded or are no more. */
  settled(fileNids: readonly number[]): Promise<number[]>;
  /** What a user has uploaded, and the users of a server, in bytes. */
  usage(userId: string, serverName: string): Promise<{ readonly user: number; readonly server: number }>;

  /** Makes the place of a file, unless the user has `most` that wait already. */
  reserve(
    name: FileName & { readonly userId: string },
    options: { readonly lifetimeMs: number; readonly most: number },
  ): Promise<{ readonly expiresAtMs: number } | undefined>;
  /** Keeps a new file with its bytes, or says why not. Its key is loose no more, or will be swept up. */
  add(file: NewFile, quotas: Quotas): Promise<Refusal | undefined>;
  /** As `add`, in the place that was made for it. */
  fill(fileNid: number, file: NewFile, quotas: Quotas): Promise<Refusal | undefined>;
  /** Forgets the places whose time has run out. */
  forgetUnused(): Promise<void>;
}

/** Keys of a byte store that no row stands for: those that are being written, and those that are to go. */
export interface LooseKeys {
  /** Notes a key before anything is written under it; it is swept up unless a file has it in time. */
  note(key: string, lifetimeMs: number): Promise<void>;
  /** Gives a key up: it may be swept up at once. */
  giveUp(key: string): Promise<void>;
  /** Some of the keys that are due. From now on nobody can make a file of them. */
  condemn(most: number): Promise<string[]>;
  /** Forgets keys whose bytes are gone. */
  forget(keys: readonly string[]): Promise<void>;
}
