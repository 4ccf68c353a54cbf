import type { Readable } from 'node:stream';
import type { FileName, StoredBytes } from './file-store.js';
import type { OpenImage } from './thumbnailer.js';

/** An answer from elsewhere. Its body has to be read or destroyed. */
export interface FetchedResource {
  /** Where it came from in the end. */
  readonly url: URL;
  readonly contentType: string;
  readonly body: Readable;
}

/** Gets what is behind URLs that anybody may name. */
export interface WebSource {
  /**
   * @param accept what is wanted, as in the header
   * @throws UnreachableUrlError
   */
  open(url: URL, accept: string): Promise<FetchedResource>;
}

/** Nothing can be had from there. */
export class UnreachableUrlError extends Error {
  override readonly name = 'UnreachableUrlError';

  /** @param isForbidden we would not ask there whatever it answers */
  constructor(
    message: string,
    readonly isForbidden: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What a client is told of a URL. */
export type PreviewAnswer = Readonly<Record<string, string | number>>;

/** An image as it is shown. */
export interface MeasuredImage {
  readonly contentType: string;
  readonly width: number;
  readonly height: number;
}

/** Measures what may be an image. */
export interface ImageMeasure {
  /** @throws ThumbnailError, and what `open` throws */
  measure(open: OpenImage, bytes: number): Promise<MeasuredImage>;
}

/** Previews that were made before, shared by all replicas. */
export interface PreviewStore {
  /** Undefined when there is none that is fresh. */
  find(url: string): Promise<PreviewAnswer | undefined>;
  keep(url: string, answer: PreviewAnswer, lifetimeMs: number): Promise<void>;
  /** Keeps a picture for a time. */
  addImage(image: FileName & StoredBytes & { readonly contentType: string }, lifetimeMs: number): Promise<void>;
  /** Some of the pictures whose time is over. */
  oldImages(most: number): Promise<FileName[]>;
  /** Forgets previews that are no longer fresh. */
  forgetOld(): Promise<void>;
}
