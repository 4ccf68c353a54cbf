import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { MeasuredImage } from '../domain/ports/preview-ports.js';
import {
  type MadeThumbnail,
  type OpenImage,
  ThumbnailError,
  type ThumbnailFault,
} from '../domain/ports/thumbnailer.js';
import type { ThumbnailKind } from '../domain/thumbnail-kinds.js';

/** What one image may take. */
export interface WorkerLimits {
  readonly maxPixels: number;
  readonly maxMemoryBytes: number;
  /** From when the process has all of it. */
  readonly timeoutMs: number;
  /** Until then, however slow the store is. */
  readonly readTimeoutMs: number;
}

interface Answer {
  readonly contentType?: string;
  readonly width?: number;
  readonly height?: number;
  readonly fault?: ThumbnailFault;
}

const HEADER_BYTES = 8;
const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * A process that makes thumbnails. Both ways go messages of two lengths, four bytes each, a text of JSON, and bytes of an
 * image: what is to be made of the image, and what became of it.
 */
export class WorkerProcess {
  readonly #child: ChildProcess & { readonly stdin: Writable; readonly stdout: Readable };
  #ended: string | undefined;

  /** @param onExit told when the process is gone */
  constructor(
    private readonly limits: WorkerLimits,
    onExit: () => void,
  ) {
    // It sees nothing of our environment. Memory of JavaScript is little of what it needs.
    this.#child = spawn(process.execPath, ['--max-old-space-size=128', '--no-warnings', workerFile()], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {},
      cwd: '/',
    });
    this.#child.stdin.on('error', () => {});
    this.#child.once('error', () => this.#end('it could not be started', onExit));
    this.#child.once('exit', (code, signal) => this.#end(`it ended with ${signal ?? code}`, onExit));
    void this.#offerToTheKernel();
  }

  /** Whether it can be given something. */
  get isAlive(): boolean {
    return this.#ended === undefined && !this.#child.killed;
  }

  /** One at a time. @throws ThumbnailError */
  async make(open: OpenImage, bytes: number, kind: ThumbnailKind): Promise<MadeThumbnail> {
    const { width, height, method, animated } = kind;
    const { contentType, data } = await this.#ask(open, bytes, { width, height, method, animated });
    return { contentType, data: data.length === 0 ? undefined : data };
  }

  /** One at a time. @throws ThumbnailError */
  async measure(open: OpenImage, bytes: number): Promise<MeasuredImage> {
    const { contentType, width = 0, height = 0 } = await this.#ask(open, bytes, { measure: true });
    return { contentType, width, height };
  }

  async #ask(open: OpenImage, bytes: number, job: object): Promise<Answer & { contentType: string; data: Buffer }> {
    const done = new AbortController();
    const { promise: isLate, reject } = Promise.withResolvers<never>();
    let timer = setTimeout(() => reject(new ThumbnailError('unread')), this.limits.readTimeoutMs);
    let isAsked = false;
    try {
      // A process that dies has been given something too large, or something that it does not bear.
      const answered = this.#answer(() => new ThumbnailError(isAsked ? 'too large' : 'unread'));
      const sent = this.#send(open, bytes, job, done.signal).then(() => {
        isAsked = true;
        clearTimeout(timer);
        if (!done.signal.aborted) timer = setTimeout(() => this.kill(), this.limits.timeoutMs);
      });
      await Promise.race([sent, answered, isLate]);
      const { answer, data } = await answered;
      const { contentType, fault } = answer;
      if (fault !== undefined || contentType === undefined) throw new ThumbnailError(fault ?? 'damaged');
      return { ...answer, contentType, data };
    } catch (error) {
      // Half a message may be on its way.
      const isDone = error instanceof ThumbnailError && error.fault !== 'too large' && error.fault !== 'unread';
      if (!isDone) this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      done.abort();
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** @param done when nobody waits for it any longer */
  async #send(open: OpenImage, bytes: number, job: object, done: AbortSignal): Promise<void> {
    const image = await open();
    const close = () => image.on('error', () => {}).destroy();
    done.addEventListener('abort', close);
    try {
      if (done.aborted) throw new ThumbnailError('unread');
      const { maxPixels, maxMemoryBytes } = this.limits;
      const text = Buffer.from(JSON.stringify({ ...job, maxPixels, maxMemoryBytes }));
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32BE(text.length, 0);
      header.writeUInt32BE(bytes, 4);
      await this.#write(Buffer.concat([header, text]));
      let left = bytes;
      for await (const chunk of image) {
        left -= (chunk as Buffer).length;
        await this.#write(chunk as Buffer);
      }
      if (left !== 0) throw new Error('an image does not have the length that is known of it');
    } finally {
      done.removeEventListener('abort', close);
      close();
    }
  }

  #write(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#child.stdin.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** The next message. @param died what it means when there is none */
  #answer(died: () => ThumbnailError): Promise<{ answer: Answer; data: Buffer }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ answer: Answer; data: Buffer }>();
    let received = Buffer.alloc(0);
    const { stdout } = this.#child;
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < HEADER_BYTES) return;
      const text = HEADER_BYTES + received.readUInt32BE(0);
      const end = text + received.readUInt32BE(4);
      if (end > LARGEST_ANSWER_BYTES) return reject(new ThumbnailError('too large'));
      if (received.length < end) return;
      resolve({
        answer: JSON.parse(received.toString('utf8', HEADER_BYTES, text)),
        data: received.subarray(text, end),
      });
    };
    const onClose = () => reject(died());
    stdout.on('data', onData).once('close', onClose);
    promise.catch(() => {}).finally(() => stdout.off('data', onData).off('close', onClose));
    return promise;
  }

  #end(how: string, onExit: () => void): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    onExit();
  }

  /** When memory runs out, the kernel takes this process rather than the server. */
  async #offerToTheKernel(): Promise<void> {
    if (process.platform !== 'linux' || this.#child.pid === undefined) return;
    await writeFile(`/proc/${this.#child.pid}/oom_score_adj`, '1000').catch(() => {});
  }
}

function workerFile(): string {
  const isCompiled = !import.meta.url.endsWith('.ts');
  const file = isCompiled ? './thumbnail-worker.js' : './thumbnail-worker.ts';
  return fileURLToPath(new URL(file, import.meta.url));
}
