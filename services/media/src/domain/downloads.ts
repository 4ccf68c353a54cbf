import { MatrixError } from '@ganglion/contracts';
import type { Accesses } from './accesses.js';
import type { Arrivals } from './arrivals.js';
import type { Blob, FileName, FileStore, StoredFile } from './ports/file-store.js';
import type { RemoteFiles } from './remote/remote-files.js';

/** However long somebody is ready to wait. */
const LONGEST_WAIT_MS = 60_000;

/** A file that has its bytes. */
export interface ReadyFile extends StoredFile {
  readonly blob: Blob;
}

export interface DownloadRequest {
  readonly name: FileName;
  /** Whether an access token was shown. */
  readonly authenticated: boolean;
  /** How long to wait for what is yet to be uploaded, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether to ask its server for what is not ours and not here. */
  readonly allowRemote: boolean;
}

/** Finds files for those who may have them. */
export class Downloads {
  constructor(
    private readonly files: FileStore,
    private readonly arrivals: Arrivals,
    private readonly accesses: Pick<Accesses, 'note'>,
    private readonly remote: Pick<RemoteFiles, 'isRemote' | 'fetch'>,
  ) {}

  /** @throws MatrixError M_NOT_FOUND, and M_NOT_YET_UPLOADED when the time is over; and what RemoteFiles.fetch throws */
  async find({ name, authenticated, timeoutMs, allowRemote }: DownloadRequest): Promise<ReadyFile> {
    let file = await this.files.find(name);
    // What is fetched for somebody with a token is for others with one.
    if (file === undefined && allowRemote && authenticated && this.remote.isRemote(name)) {
      await this.remote.fetch(name, Math.min(timeoutMs, LONGEST_WAIT_MS));
      file = await this.files.find(name);
    }
    if (file !== undefined && file.blob === undefined && timeoutMs > 0 && isAwaited(file)) {
      await this.arrivals.wait(file.fileNid, Math.min(timeoutMs, LONGEST_WAIT_MS));
      file = await this.files.find(name);
    }
    if (file === undefined || (file.authenticatedOnly && !authenticated)) throw notFound();
    if (file.blob === undefined) throw isAwaited(file) ? notYet() : notFound();
    if (file.quarantined) throw notFound();
    this.accesses.note(file.fileNid);
    return { ...file, blob: file.blob };
  }
}

function isAwaited({ expiresAtMs }: StoredFile): boolean {
  return expiresAtMs === undefined || expiresAtMs > Date.now();
}

export function notFound(): MatrixError {
  return new MatrixError(404, 'M_NOT_FOUND', 'There is no such file');
}

function notYet(): MatrixError {
  return new MatrixError(504, 'M_NOT_YET_UPLOADED', 'This file has not been uploaded yet');
}
