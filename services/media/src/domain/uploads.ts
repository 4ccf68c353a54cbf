import { MatrixError } from '@ganglion/contracts';
import { parseUserId } from '@ganglion/protocol';
import { contentTypeOf, TypePolicy } from './content-types.js';
import { type Intake, tooLarge } from './intake.js';
import { mxcUri, newMediaId } from './media-ids.js';
import type { FileName, FileStore, NewFile, Quotas, Refusal, StoredBytes, StoredFile } from './ports/file-store.js';
import { uploadName } from './upload-names.js';

export interface UploadPolicy {
  readonly maxBytes: number;
  readonly quotas: Quotas;
  readonly allowedTypes: readonly string[];
  readonly refusedTypes: readonly string[];
  readonly unusedLifetimeMs: number;
  readonly maxPending: number;
  /** Whether what is uploaded now may be had by those who show no access token, for as long as that is possible at all. */
  readonly openToAnybody: boolean;
}

/** A file on its way in. */
export interface Upload {
  readonly userId: string;
  /** As the request says them. */
  readonly contentType: string | undefined;
  readonly fileName: string | undefined;
  /** How long it says that it is. */
  readonly announcedBytes: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Takes files in. @see https://spec.matrix.org/v1.19/client-server-api/#content-repository */
export class Uploads {
  readonly #types: TypePolicy;

  constructor(
    private readonly files: FileStore,
    private readonly intake: Intake,
    private readonly policy: UploadPolicy,
    /** Told of each file that was taken. */
    private readonly taken: (name: FileName, contentType: string) => void = () => {},
  ) {
    this.#types = new TypePolicy(policy.allowedTypes, policy.refusedTypes);
  }

  /**
   * The URI of a new file.
   *
   * @throws MatrixError M_TOO_LARGE, M_FORBIDDEN for its type or a quota, M_UNKNOWN when there is no room
   */
  async upload(upload: Upload): Promise<string> {
    const name = newNameOf(upload.userId);
    await this.#check(name, upload);
    await this.#store(upload, name, (file) => this.files.add(file, this.policy.quotas));
    return mxcUri(name);
  }

  /**
   * The URI of a file that is yet to be uploaded, and until when it can be, in milliseconds since the epoch.
   *
   * @throws MatrixError M_LIMIT_EXCEEDED when too many of the user's wait for their upload
   */
  async create(userId: string): Promise<{ uri: string; expiresAtMs: number }> {
    const name = newNameOf(userId);
    const { unusedLifetimeMs: lifetimeMs, maxPending: most } = this.policy;
    const reserved = await this.files.reserve({ ...name, userId }, { lifetimeMs, most });
    if (reserved) return { uri: mxcUri(name), expiresAtMs: reserved.expiresAtMs };
    throw new MatrixError(429, 'M_LIMIT_EXCEEDED', `${most} URIs wait for their upload already`, {
      retry_after_ms: Math.min(lifetimeMs, 60_000),
    });
  }

  /**
   * Uploads to a URI that was made before.
   *
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_CANNOT_OVERWRITE_MEDIA, M_TOO_LARGE, M_UNKNOWN when there is no room
   */
  async uploadTo(name: FileName, upload: Upload): Promise<void> {
    const place = await this.files.find(name);
    const { fileNid } = placeFor(place, upload.userId);
    await this.#check(name, upload);
    await this.#store(upload, name, (file) => this.files.fill(fileNid, file, this.policy.quotas));
  }

  /** Before anything is read: what can be known to be refused. */
  async #check({ serverName }: FileName, { userId, contentType, announcedBytes = 0 }: Upload): Promise<void> {
    const { maxBytes, quotas } = this.policy;
    if (announcedBytes > maxBytes) throw tooLarge(maxBytes);
    const type = contentTypeOf(contentType);
    if (!this.#types.allows(type)) throw forbidden(`Files of the type ${type} may not be uploaded`);
    if (quotas.user === undefined && quotas.server === undefined) return;
    const used = await this.files.usage(userId, serverName);
    if (used.user + announcedBytes > (quotas.user ?? Infinity)) throw refused('over the quota of the user');
    if (used.server + announcedBytes > (quotas.server ?? Infinity)) throw refused('over the quota of the server');
  }

  async #store(upload: Upload, name: FileName, keep: (file: NewFile) => Promise<Refusal | undefined>): Promise<void> {
    const contentType = contentTypeOf(upload.contentType);
    await this.intake.store(upload.body, this.policy.maxBytes, async (stored: StoredBytes) => {
      const refusal = await keep({
        ...name,
        ...stored,
        userId: upload.userId,
        contentType,
        uploadName: uploadName(upload.fileName),
        authenticatedOnly: !this.policy.openToAnybody,
      });
      if (refusal !== undefined) throw refused(refusal);
    });
    this.taken(name, contentType);
  }
}

function newNameOf(userId: string): FileName {
  return { serverName: parseUserId(userId).serverName, mediaId: newMediaId() };
}

function placeFor(place: StoredFile | undefined, userId: string): StoredFile {
  if (place?.blob !== undefined) throw refused('has content');
  if (place === undefined || (place.expiresAtMs ?? Infinity) <= Date.now()) {
    throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such URI to upload to, or its time has run out');
  }
  if (place.userId !== userId) throw forbidden('Only who has made this URI may upload to it');
  return place;
}

function refused(refusal: Refusal): MatrixError {
  switch (refusal) {
    case 'has content':
      return new MatrixError(409, 'M_CANNOT_OVERWRITE_MEDIA', 'This URI has its file already');
    case 'too late':
      return new MatrixError(404, 'M_NOT_FOUND', 'The time for this upload has run out');
    case 'over the quota of the user':
      return forbidden('You have uploaded as much as you may');
    case 'over the quota of the server':
      return forbidden('The users of this server have uploaded as much as they may together');
  }
}

function forbidden(message: string): MatrixError {
  return new MatrixError(403, 'M_FORBIDDEN', message);
}
