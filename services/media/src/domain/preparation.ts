import { isMatrixError } from '@ganglion/contracts';
import { BytesMissingError } from './ports/byte-store.js';
import type { FileName, FileStore } from './ports/file-store.js';
import type { WantedThumbnail } from './thumbnail-kinds.js';
import type { Thumbnails } from './thumbnails.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#thumbnails */
const USUAL: readonly WantedThumbnail[] = [
  { width: 32, height: 32, method: 'crop', animated: false },
  { width: 96, height: 96, method: 'crop', animated: false },
  { width: 320, height: 240, method: 'scale', animated: false },
  { width: 640, height: 480, method: 'scale', animated: false },
  { width: 800, height: 600, method: 'scale', animated: false },
];

/** So many images wait at most: of further ones, thumbnails are made when they are asked for. */
const MOST_WAITING = 1_000;

/**
 * Makes the usual thumbnails of images that were uploaded, one after the other, so that who asks for another one hardly waits.
 * What is lost of this work, such as when the process ends, is done when somebody asks.
 */
export class Preparation {
  #waiting: FileName[] = [];
  #working: Promise<void> | undefined;
  #stopped = false;

  /** @param failed told of what is no fault of an image */
  constructor(
    private readonly files: Pick<FileStore, 'find'>,
    private readonly thumbnails: Pick<Thumbnails, 'find'>,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Notes a file, of which its uploader says what it is. */
  note(name: FileName, contentType: string): void {
    if (this.#stopped || !contentType.startsWith('image/') || this.#waiting.length >= MOST_WAITING) return;
    this.#waiting.push(name);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when nothing is at work any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting = [];
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let name = this.#waiting.shift(); name; name = this.#waiting.shift()) {
      try {
        await this.#prepare(name);
      } catch (error) {
        // There is no thumbnail of this one, or too much else to do.
        if (!isMatrixError(error) && !(error instanceof BytesMissingError)) this.failed(error);
      }
    }
  }

  async #prepare(name: FileName): Promise<void> {
    const file = await this.files.find(name);
    const blob = file?.quarantined ? undefined : file?.blob;
    if (file === undefined || blob === undefined) return;
    for (const wanted of USUAL) {
      if (this.#stopped) return;
      await this.thumbnails.find({ ...file, blob }, wanted);
    }
  }
}
