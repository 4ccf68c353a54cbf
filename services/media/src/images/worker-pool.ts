import type { ImageMeasure, MeasuredImage } from '../domain/ports/preview-ports.js';
import { type MadeThumbnail, type OpenImage, ThumbnailError, type Thumbnailer } from '../domain/ports/thumbnailer.js';
import type { ThumbnailKind } from '../domain/thumbnail-kinds.js';
import { type WorkerLimits, WorkerProcess } from './worker-process.js';

export interface PoolOptions extends WorkerLimits {
  readonly processes: number;
}

/** So many wait for each process at most; who comes then is told to come again. */
const WAITING_FOR_EACH = 32;
/** A process that has had nothing to do for so long ends: who makes no thumbnails pays for none. */
const IDLE_MS = 30_000;
/** Decoders that keep a little of each image are begun anew. */
const IMAGES_FOR_EACH = 500;

interface Idle {
  readonly worker: WorkerProcess;
  readonly made: number;
  readonly timer: NodeJS.Timeout;
}

/** Makes thumbnails in a few processes, started when they are needed. An image that kills one costs whoever wanted it alone. */
export class WorkerPool implements Thumbnailer, ImageMeasure {
  readonly #idle: Idle[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #workers = new Set<WorkerProcess>();
  #running = 0;
  #stopped = false;

  constructor(private readonly options: PoolOptions) {}

  make(open: OpenImage, bytes: number, kind: ThumbnailKind): Promise<MadeThumbnail> {
    return this.#with((worker) => worker.make(open, bytes, kind));
  }

  measure(open: OpenImage, bytes: number): Promise<MeasuredImage> {
    return this.#with((worker) => worker.measure(open, bytes));
  }

  /** Whoever waits for their turn has nothing open yet. */
  async #with<T>(work: (worker: WorkerProcess) => Promise<T>): Promise<T> {
    await this.#turn();
    const { worker, made } = this.#take();
    try {
      return await work(worker);
    } finally {
      this.#giveBack(worker, made + 1);
    }
  }

  /** Ends the processes. What they are at fails. */
  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    for (const worker of this.#workers) worker.kill();
    for (const next of this.#waiting.splice(0)) next();
  }

  async #turn(): Promise<void> {
    const { processes } = this.options;
    if (this.#waiting.length >= processes * WAITING_FOR_EACH) throw new ThumbnailError('busy');
    if (this.#running >= processes) await new Promise<void>((next) => this.#waiting.push(next));
    else this.#running++;
    if (this.#stopped) throw new ThumbnailError('busy');
  }

  #take(): { worker: WorkerProcess; made: number } {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.worker.isAlive) return idle;
    }
    const worker: WorkerProcess = new WorkerProcess(this.options, () => this.#workers.delete(worker));
    this.#workers.add(worker);
    return { worker, made: 0 };
  }

  #giveBack(worker: WorkerProcess, made: number): void {
    if (made >= IMAGES_FOR_EACH || this.#stopped) worker.kill();
    if (worker.isAlive) {
      const timer = setTimeout(() => worker.kill(), IDLE_MS).unref();
      this.#idle.push({ worker, made, timer });
    }
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running--;
  }
}
