import { Readable } from 'node:stream';
import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { contentTypeOf } from '../content-types.js';
import type { Intake } from '../intake.js';
import { mxcUri } from '../media-ids.js';
import type { ByteStore } from '../ports/byte-store.js';
import type { FileName } from '../ports/file-store.js';
import { type RemoteFault, RemoteFileError, type RemoteFileStore, type RemoteSource } from '../ports/remote-source.js';
import { RecentFaults } from '../recent-faults.js';
import { uploadName } from '../upload-names.js';
import { Listener, type OpenRest } from './listener.js';

export interface RemotePolicy {
  readonly maxBytes: number;
  /** Whose files are not fetched. */
  readonly localNames: readonly string[];
  /** Whether somebody judges what comes in: nobody gets anything of it before. */
  readonly judged: boolean;
}

/** A file of another server while it is being stored. Its bytes have to be read or destroyed. */
export interface ArrivingFile {
  readonly contentType: string;
  readonly uploadName: string | undefined;
  readonly body: Readable;
}

/** So soon nobody asks again for what could not be had. */
const ASKED_AGAIN_AFTER_MS = 30_000;
/** Nor for what was judged and refused: the same would be fetched and judged again. */
const JUDGED_AGAIN_AFTER_MS = 600_000;

/** Somebody else has fetched the same file meanwhile. */
class AlreadyThereError extends Error {}

/** Fetches files of other servers, each once for all who want it, and keeps them. Whoever asks first may listen meanwhile. */
export class RemoteFiles {
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #faults = new RecentFaults<MatrixError>(ASKED_AGAIN_AFTER_MS);

  constructor(
    private readonly source: RemoteSource,
    private readonly store: RemoteFileStore,
    private readonly intake: Intake,
    private readonly bytes: Pick<ByteStore, 'get'>,
    private readonly policy: RemotePolicy,
  ) {}

  /** Whether a file is another server's. */
  isRemote({ serverName }: FileName): boolean {
    return !this.policy.localNames.includes(serverName);
  }

  /** @throws MatrixError M_NOT_FOUND, M_NOT_YET_UPLOADED, M_TOO_LARGE, M_FORBIDDEN for what was judged so, M_UNKNOWN when the server does not give it */
  async fetch(name: FileName, timeoutMs: number): Promise<void> {
    return this.#running(name) ?? this.#begin(name, this.#fetch(name, timeoutMs));
  }

  /**
   * The file while it comes, for whoever asks for it first; undefined for all others, and for one that is small, when it is here.
   *
   * @throws MatrixError as `fetch`, also while the body is read
   */
  async arrive(name: FileName, timeoutMs: number): Promise<ArrivingFile | undefined> {
    const running = this.#running(name);
    if (running || this.policy.judged) {
      await (running ?? this.fetch(name, timeoutMs));
      return undefined;
    }
    const listener = new Listener();
    const fetched = this.#fetch(name, timeoutMs, listener);
    this.#begin(name, fetched).catch(() => {});
    fetched
      .then((sha256) => this.#rest(name, sha256))
      .then(
        (rest) => listener.finish(rest),
        (error) => listener.fail(error),
      );
    const about = await listener.begin();
    if (about === undefined) return undefined;
    const body = Readable.from(listener.read(), { objectMode: false, highWaterMark: 1 });
    return { ...about, body: body.once('close', () => listener.leave()) };
  }

  /** @throws MatrixError when it could not be had a short while ago */
  #running(name: FileName): Promise<void> | undefined {
    const uri = mxcUri(name);
    const fault = this.#faults.of(uri);
    if (fault) throw fault;
    return this.#fetching.get(uri);
  }

  #begin(name: FileName, fetched: Promise<unknown>): Promise<void> {
    const uri = mxcUri(name);
    const begun = fetched.then(() => {}).finally(() => this.#fetching.delete(uri));
    this.#fetching.set(uri, begun);
    return begun;
  }

  /** What it came to, if it came to anything. */
  async #fetch(name: FileName, timeoutMs: number, listener?: Listener): Promise<Buffer | undefined> {
    // Whoever looked for it just before another fetch ended.
    if ((await this.store.find(name)) !== undefined) return undefined;
    if (await this.store.isQuarantined(name)) throw refusal('not found');
    let sha256: Buffer | undefined;
    try {
      const { body, contentType, fileName } = await this.source.open(name, timeoutMs);
      const about = { ...name, contentType: contentTypeOf(contentType), uploadName: uploadName(fileName) };
      try {
        await this.intake.store(listener?.over(about, body) ?? body, this.policy.maxBytes, async (stored) => {
          ({ sha256 } = stored);
          if (!(await this.store.addRemote({ ...about, ...stored }))) throw new AlreadyThereError();
        });
      } finally {
        body.on('error', () => {}).destroy();
      }
    } catch (error) {
      if (error instanceof AlreadyThereError) return sha256;
      throw this.#noted(name, error);
    }
    return sha256;
  }

  /** What whoever asked is told; and for a while all others, where it would be the same for them. */
  #noted(name: FileName, error: unknown): unknown {
    const fault = faultOf(error);
    const told = fault ? refusal(fault) : error;
    if (!isMatrixError(told) || fault === 'not yet uploaded') return told;
    // The scanner is expected back any time.
    if (told.status === 503) return told;
    this.#faults.note(mxcUri(name), told, told.errcode === 'M_FORBIDDEN' ? JUDGED_AGAIN_AFTER_MS : undefined);
    return told;
  }

  /** Of what is here now, if whoever listened may have it and it is what they heard: its server may give each something else. */
  async #rest(name: FileName, heard: Buffer | undefined): Promise<OpenRest> {
    const kept = await this.store.find(name);
    const blob = kept?.quarantined ? undefined : kept?.blob;
    if (blob === undefined || (heard && !heard.equals(blob.sha256))) throw refusal('not found');
    return (first) => this.bytes.get(blob.key, { first, last: blob.bytes - 1 });
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
