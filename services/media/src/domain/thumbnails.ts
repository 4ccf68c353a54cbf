import { Readable } from 'node:stream';
import { MatrixError } from '@ganglion/contracts';
import type { ReadyFile } from './downloads.js';
import type { Intake } from './intake.js';
import type { ByteStore } from './ports/byte-store.js';
import type { StoredThumbnail, ThumbnailStore } from './ports/thumbnail-store.js';
import { type MadeThumbnail, ThumbnailError, type Thumbnailer, type ThumbnailFault } from './ports/thumbnailer.js';
import { RecentFaults } from './recent-faults.js';
import { type ThumbnailKind, thumbnailKind, type WantedThumbnail } from './thumbnail-kinds.js';

/** A thumbnail that was made just now, or one that is stored; with neither, the image itself serves. */
export interface Thumbnail {
  readonly contentType: string;
  readonly made?: Buffer | undefined;
  readonly stored?: StoredThumbnail['stored'];
}

export interface ThumbnailPolicy {
  /** Larger files are not looked at. */
  readonly maxSourceBytes: number;
  /** Of our own servers. */
  readonly localNames: readonly string[];
}

/** Finds thumbnails, and makes those that there are not. @see https://spec.matrix.org/v1.19/client-server-api/#thumbnails */
export class Thumbnails {
  readonly #making = new Map<string, Promise<Thumbnail>>();
  readonly #faults = new RecentFaults<ThumbnailFault>();

  constructor(
    private readonly store: ThumbnailStore,
    private readonly thumbnailer: Thumbnailer,
    private readonly bytes: ByteStore,
    private readonly intake: Intake,
    private readonly policy: ThumbnailPolicy,
  ) {}

  /** @throws MatrixError M_UNKNOWN for what there is no thumbnail of, M_TOO_LARGE, and BytesMissingError */
  async find({ blob, serverName }: ReadyFile, wanted: WantedThumbnail): Promise<Thumbnail> {
    const isRemote = !this.policy.localNames.includes(serverName);
    if (blob.bytes > this.policy.maxSourceBytes) throw refusal('too large', isRemote);
    const kind = thumbnailKind(wanted);
    const known = await this.store.find(blob.blobNid, kind.name);
    if (known) return known;
    const name = `${blob.blobNid} ${kind.name}`;
    try {
      const fault = this.#faults.of(name);
      if (fault !== undefined) throw new ThumbnailError(fault);
      return await this.#once(name, () => this.#make(blob, kind));
    } catch (error) {
      if (!(error instanceof ThumbnailError)) throw error;
      if (isOfTheImage(error.fault)) this.#faults.note(name, error.fault);
      throw refusal(error.fault, isRemote);
    }
  }

  /** Whoever wants the same meanwhile gets the same. */
  #once(name: string, make: () => Promise<Thumbnail>): Promise<Thumbnail> {
    const running = this.#making.get(name);
    if (running) return running;
    const begun = make().finally(() => this.#making.delete(name));
    this.#making.set(name, begun);
    return begun;
  }

  async #make(blob: ReadyFile['blob'], kind: ThumbnailKind): Promise<Thumbnail> {
    const made = await this.thumbnailer.make(() => this.bytes.get(blob.key), blob.bytes, kind);
    await this.#keep(blob.blobNid, kind, made);
    return { contentType: made.contentType, made: made.data };
  }

  /** What cannot be kept, such as in a store that is full, is made anew the next time. */
  async #keep(blobNid: number, { name }: ThumbnailKind, { contentType, data }: MadeThumbnail): Promise<void> {
    if (data === undefined) return this.store.add(blobNid, name, { contentType, stored: undefined });
    try {
      await this.intake.store(Readable.from([data]), data.length, (stored) =>
        this.store.add(blobNid, name, { contentType, stored }),
      );
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
    }
  }
}

function isOfTheImage(fault: ThumbnailFault): boolean {
  return fault !== 'busy' && fault !== 'unread';
}

function refusal(fault: ThumbnailFault, isRemote: boolean): MatrixError {
  switch (fault) {
    case 'not an image':
      return new MatrixError(400, 'M_UNKNOWN', 'There are thumbnails of JPEG, PNG, GIF, WebP and AVIF images only');
    case 'damaged':
      return new MatrixError(400, 'M_UNKNOWN', 'This image is damaged or cut short');
    case 'too large':
      return new MatrixError(isRemote ? 502 : 413, 'M_TOO_LARGE', 'This is too large to make a thumbnail of');
    case 'unread':
      return new MatrixError(503, 'M_UNKNOWN', 'This image could not be read in time, please try again');
    case 'busy':
      return new MatrixError(503, 'M_UNKNOWN', 'Too many thumbnails are being made right now, please try again');
  }
}
