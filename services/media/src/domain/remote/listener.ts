import type { FileName } from '../ports/file-store.js';

/** What is known of a file before its bytes. */
export interface Announcement extends FileName {
  readonly contentType: string;
  readonly uploadName: string | undefined;
}

/** Opens what has been stored, from a byte on. */
export type OpenRest = (first: number) => Promise<AsyncIterable<Uint8Array>>;

/** Nothing is said of a file before more than this has come, or all of it: what fails sooner is told by a clear error. */
const BEGINS_AFTER_BYTES = 65_536;
/** Who reads so much more slowly than the file comes reads on when it is stored. */
const MOST_WAITING_BYTES = 524_288;

/**
 * Somebody who gets the bytes of a file while they are stored. Storing never waits for them, and what waits for them takes
 * little memory: who falls behind gets the rest from the store. The end comes only when all has been stored and may be given
 * out, so that nobody holds the whole of what was not kept.
 */
export class Listener {
  readonly #begun = Promise.withResolvers<Announcement | undefined>();
  readonly #stored = Promise.withResolvers<OpenRest>();
  #about: Announcement | undefined;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #fellBehind = false;
  #left = false;
  #ended = false;
  #wake = () => {};

  constructor() {
    // Nobody may be there to be told.
    this.#begun.promise.catch(() => {});
    this.#stored.promise.catch(() => {});
  }

  /** The bytes on their way to the store. */
  async *over(about: Announcement, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    this.#about = about;
    for await (const chunk of source) {
      this.#offer(chunk);
      yield chunk;
    }
  }

  /** All is stored, and may be given out. */
  finish(rest: OpenRest): void {
    this.#stored.resolve(rest);
    this.#begun.resolve(undefined);
    this.#end();
  }

  /** Nothing was kept, or nobody may have it. */
  fail(error: unknown): void {
    this.#stored.reject(error);
    this.#begun.reject(error);
    this.#end();
  }

  /** What is known of it once its bytes can be read; undefined when all of it has been stored by then. @throws what `fail` was told */
  begin(): Promise<Announcement | undefined> {
    return this.#begun.promise;
  }

  /** The bytes, once. @throws what `fail` was told */
  async *read(): AsyncIterable<Uint8Array> {
    let sent = 0;
    while (!this.#left) {
      // What more has followed is not the end.
      const isEnd = this.#waiting.length === 1 && !this.#fellBehind;
      const next = isEnd ? undefined : this.#waiting.shift();
      if (next) {
        sent += next.length;
        this.#bytes -= next.length;
        yield next;
      } else if (this.#fellBehind || this.#ended) break;
      else await new Promise<void>((wake) => (this.#wake = wake));
    }
    const rest = await this.#stored.promise;
    if (this.#left) return;
    if (this.#fellBehind) yield* await rest(sent);
    else yield* this.#waiting;
  }

  /** Listens no more. */
  leave(): void {
    this.#left = true;
    this.#waiting = [];
    this.#wake();
  }

  #offer(chunk: Uint8Array): void {
    if (this.#left || this.#fellBehind || chunk.length === 0) return;
    this.#fellBehind = this.#bytes + chunk.length > MOST_WAITING_BYTES;
    if (!this.#fellBehind) {
      this.#waiting.push(chunk);
      this.#bytes += chunk.length;
    }
    if (this.#fellBehind || this.#bytes > BEGINS_AFTER_BYTES) this.#begun.resolve(this.#about);
    this.#wake();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }
}
