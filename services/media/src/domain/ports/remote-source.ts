import type { Readable } from 'node:stream';
import type { FileName, StoredBytes, StoredFile } from './file-store.js';

/** A file of another server, on its way. Its body has to be read or destroyed. */
export interface RemoteFile {
  readonly contentType: string | undefined;
  readonly fileName: string | undefined;
  readonly body: Readable;
}

/** Why a file of another server cannot be had. */
export type RemoteFault = 'not found' | 'not yet uploaded' | 'unreachable' | 'too large';

/** A file of another server cannot be had. */
export class RemoteFileError extends Error {
  override readonly name = 'RemoteFileError';

  constructor(
    readonly fault: RemoteFault,
    options?: ErrorOptions,
  ) {
    super(fault, options);
  }
}

/** Files of other servers, where they are. */
export interface RemoteSource {
  /** @throws RemoteFileError, also while the body is read */
  open(name: FileName, timeoutMs: number): Promise<RemoteFile>;
}

/** Keeps files of other servers, for a while. */
export interface RemoteFileStore {
  /** What is known of a file. */
  find(name: FileName): Promise<Pick<StoredFile, 'blob' | 'quarantined'> | undefined>;
  /** Whether nobody may have what goes by this name, here or not. */
  isQuarantined(name: FileName): Promise<boolean>;
  /** False when it is there already: the key is not taken. */
  addRemote(
    file: FileName & StoredBytes & { readonly contentType: string; readonly uploadName: string | undefined },
  ): Promise<boolean>;
}
