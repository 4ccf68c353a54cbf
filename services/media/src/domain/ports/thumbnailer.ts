import type { Readable } from 'node:stream';
import type { ThumbnailKind } from '../thumbnail-kinds.js';

/** A finished thumbnail: bytes of its own, or those of the image itself, which is small enough. */
export interface MadeThumbnail {
  /** What the bytes are, whatever somebody said of the image. */
  readonly contentType: string;
  /** Undefined when the image itself serves. */
  readonly data: Buffer | undefined;
}

/** Makes thumbnails of what may be an image, and may be made to do harm. */
export interface Thumbnailer {
  /**
   * @param image its bytes, of which there are `bytes`; read to its end or destroyed
   * @throws ThumbnailError
   */
  make(image: Readable, bytes: number, kind: ThumbnailKind): Promise<MadeThumbnail>;
}

/** Why there is no thumbnail. `busy` alone is no property of the image. */
export type ThumbnailFault = 'not an image' | 'damaged' | 'too large' | 'busy';

/** No thumbnail could be made. */
export class ThumbnailError extends Error {
  override readonly name = 'ThumbnailError';

  constructor(readonly fault: ThumbnailFault) {
    super(fault);
  }
}
