import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { contentTypeOf } from '../content-types.js';
import type { Intake } from '../intake.js';
import { mxcUri } from '../media-ids.js';
import type { FileName } from '../ports/file-store.js';
import { type RemoteFault, RemoteFileError, type RemoteFileStore, type RemoteSource } from '../ports/remote-source.js';
import { RecentFaults } from '../recent-faults.js';
import { uploadName } from '../upload-names.js';

export interface RemotePolicy {
  readonly maxBytes: number;
  /** Whose files are not fetched. */
  readonly localNames: readonly string[];
}

/** So soon nobody asks again for what could not be had. */
const ASKED_AGAIN_AFTER_MS = 30_000;

/** Somebody else has fetched the same file meanwhile. */
class AlreadyThereError extends Error {}

/** Fetches files of other servers, each once for all who want it, and keeps them before anybody gets them. */
export class RemoteFiles {
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #faults = new RecentFaults<RemoteFault>(ASKED_AGAIN_AFTER_MS);

  constructor(
    private readonly source: RemoteSource,
    private readonly store: RemoteFileStore,
    private readonly intake: Intake,
    private readonly policy: RemotePolicy,
  ) {}

  /** Whether a file is another server's. */
  isRemote({ serverName }: FileName): boolean {
    return !this.policy.localNames.includes(serverName);
  }

  /** @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED, M_TOO_LARGE, M_UNKNOWN when the server does not give it */
  async fetch(name: FileName, timeoutMs: number): Promise<void> {
    const uri = mxcUri(name);
    const fault = this.#faults.of(uri);
    if (fault) throw refusal(fault);
    const running = this.#fetching.get(uri);
    if (running) return running;
    const begun = this.#fetch(name, timeoutMs).finally(() => this.#fetching.delete(uri));
    this.#fetching.set(uri, begun);
    return begun;
  }

  async #fetch(name: FileName, timeoutMs: number): Promise<void> {
    // Whoever looked for it just before another fetch ended.
    if ((await this.store.find(name)) !== undefined) return;
    try {
      const { body, contentType, fileName } = await this.source.open(name, timeoutMs);
      const about = { ...name, contentType: contentTypeOf(contentType), uploadName: uploadName(fileName) };
      try {
        await this.intake.store(body, this.policy.maxBytes, async (stored) => {
          if (!(await this.store.addRemote({ ...about, ...stored }))) throw new AlreadyThereError();
        });
      } finally {
        body.on('error', () => {}).destroy();
      }
    } catch (error) {
      if (error instanceof AlreadyThereError) return;
      const fault = faultOf(error);
      if (fault === undefined) throw error;
      if (fault !== 'not yet uploaded') this.#faults.note(mxcUri(name), fault);
      throw refusal(fault);
    }
  }
}

function faultOf(error: unknown): RemoteFault | undefined {
  if (error instanceof RemoteFileError) return error.fault;
  return isMatrixError(error) && error.errcode === 'M_TOO_LARGE' ? 'too large' : undefined;
}

function refusal(fault: RemoteFault): MatrixError {
  switch (fault) {
    case 'not found':
      return new MatrixError(404, 'M_NOT_FOUND', 'The server that should have this file does not have it');
    case 'not yet uploaded':
      return new MatrixError(504, 'M_NOT_YET_UPLOADED', 'This file has not been uploaded yet');
    case 'too large':
      return new MatrixError(502, 'M_TOO_LARGE', 'This file is larger than what is fetched from other servers');
    case 'unreachable':
      return new MatrixError(502, 'M_UNKNOWN', 'The server that has this file does not give it right now');
  }
}
