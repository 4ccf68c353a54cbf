import type { StoredBytes } from './file-store.js';

/** A thumbnail that was made before. */
export interface StoredThumbnail {
  readonly contentType: string;
  /** Undefined when the image itself serves. */
  readonly stored: StoredBytes | undefined;
}

/** What is known of the thumbnails of bytes. They go with them. */
export interface ThumbnailStore {
  find(blobNid: number, kind: string): Promise<StoredThumbnail | undefined>;
  /**
   * Keeps one. Where it has been made meanwhile, there are too many of the same image, or the image is gone, nothing is
   * kept, and the key is loose.
   */
  add(blobNid: number, kind: string, thumbnail: StoredThumbnail): Promise<void>;
}
