import { MatrixError } from '@ganglion/contracts';

export interface TurnsOptions {
  /** What one server may have running at once, and what more of it may wait. */
  readonly perServer: number;
  readonly waitingPerServer: number;
  /** What all servers may have running at once. */
  readonly total: number;
}

interface Line {
  running: number;
  readonly waiting: (() => void)[];
}

const RETRY_AFTER_MS = 2_000;

/**
 * Gives servers their turns, one each after the other, so that neither a busy nor a hostile one keeps the others waiting for
 * more than what they have running.
 */
export class Turns {
  readonly #lines = new Map<string, Line>();
  /** Servers that wait for a turn; who has had one goes to the end. */
  readonly #round = new Set<string>();
  #running = 0;

  constructor(private readonly options: TurnsOptions) {}

  /** @throws MatrixError M_LIMIT_EXCEEDED when the server has too much waiting already */
  async take<T>(server: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(server) ?? { running: 0, waiting: [] };
    if (line.waiting.length >= this.options.waitingPerServer) {
      const extra = { retry_after_ms: RETRY_AFTER_MS };
      throw new MatrixError(429, 'M_LIMIT_EXCEEDED', `Too many requests of ${server} are waiting`, extra);
    }
    this.#lines.set(server, line);
    const turn = new Promise<void>((resolve) => line.waiting.push(resolve));
    this.#round.add(server);
    this.#next();
    await turn;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      line.running -= 1;
      if (line.waiting.length > 0) this.#round.add(server);
      else if (line.running === 0) this.#lines.delete(server);
      this.#next();
    }
  }

  #next(): void {
    for (const server of this.#round) {
      if (this.#running >= this.options.total) return;
      const line = this.#lines.get(server)!;
      this.#round.delete(server);
      if (line.running >= this.options.perServer) continue;
      const begin = line.waiting.shift();
      if (begin === undefined) continue;
      this.#running += 1;
      line.running += 1;
      if (line.waiting.length > 0) this.#round.add(server);
      begin();
    }
  }
}
