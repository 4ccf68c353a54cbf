import type { Readable } from 'node:stream';
import type { ThumbnailKind } from '../thumbnail-kinds.js';

/** A finished thumbnail: bytes of its own, or those of the image itself, which is small enough. */
export interface MadeThumbnail {
  /** What the bytes are, whatever somebody said of the image. */
  readonly contentType: string;
  /** Undefined when the image itself serves. */
  readonly data: Buffer | undefined;
}

/** Opens an image once there is time for it. @throws BytesMissingError */
export type OpenImage = () => Promise<Readable>;

/** Makes thumbnails of what may be an image, and may be made to do harm. */
export interface Thumbnailer {
  /**
   * @param open opens its bytes, of which there are `bytes`; they are read to their end or destroyed
   * @throws ThumbnailError, and what `open` throws
   */
  make(open: OpenImage, bytes: number, kind: ThumbnailKind): Promise<MadeThumbnail>;
}

/** Why there is no thumbnail, by what the image is; or because the image could not be read in time, or others come first. */
export type ThumbnailFault = 'not an image' | 'damaged' | 'too large' | 'unread' | 'busy';

/** No thumbnail could be made. */
export class ThumbnailError extends Error {
  override readonly name = 'ThumbnailError';

  constructor(readonly fault: ThumbnailFault) {
    super(fault);
  }
}
