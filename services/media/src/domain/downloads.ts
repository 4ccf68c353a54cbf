import { MatrixError } from '@ganglion/contracts';
import type { Accesses } from './accesses.js';
import type { Arrivals } from './arrivals.js';
import type { Blob, FileName, FileStore, StoredFile } from './ports/file-store.js';
import type { ArrivingFile, RemoteFiles } from './remote/remote-files.js';

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
    private readonly remote: Pick<RemoteFiles, 'isRemote' | 'fetch' | 'arrive'>,
  ) {}

  /** @throws MatrixError M_NOT_FOUND, and M_NOT_YET_UPLOADED when the time is over; and what RemoteFiles.fetch throws */
  async find(request: DownloadRequest): Promise<ReadyFile> {
    const { name, timeoutMs } = request;
    const file = await this.files.find(name);
    if (file === undefined && this.#isFetched(request)) {
      await this.remote.fetch(name, Math.min(timeoutMs, LONGEST_WAIT_MS));
      return this.#ready(request, await this.files.find(name));
    }
    return this.#ready(request, file);
  }

  /** As `find`; or, for whoever asks first for a file of another server, that file while it comes. @throws MatrixError as `find` */
  async open(request: DownloadRequest): Promise<ReadyFile | ArrivingFile> {
    const { name, timeoutMs } = request;
    const file = await this.files.find(name);
    if (file === undefined && this.#isFetched(request)) {
      const arriving = await this.remote.arrive(name, Math.min(timeoutMs, LONGEST_WAIT_MS));
      return arriving ?? this.#ready(request, await this.files.find(name));
    }
    return this.#ready(request, file);
  }

  /** What is fetched for somebody with a token is for others with one. */
  #isFetched({ name, authenticated, allowRemote }: DownloadRequest): boolean {
    return allowRemote && authenticated && this.remote.isRemote(name);
  }

  async #ready({ name, authenticated, timeoutMs }: DownloadRequest, found: StoredFile | undefined): Promise<ReadyFile> {
    let file = found;
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
