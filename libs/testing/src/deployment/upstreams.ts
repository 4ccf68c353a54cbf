import { Pool, request } from 'undici';

const CHECK_EVERY_MS = 1_000;
const CHECK_TIMEOUT_MS = 3_000;

/** Where a process answers requests, and where it says whether it is ready for them. */
export interface Backend {
  readonly url: string;
  readonly health: string;
}

/** One process that answers requests. */
export class Upstream {
  readonly pool: Pool;
  /** Until the first check nobody knows better. */
  live = true;

  readonly #health: string;

  constructor({ url, health }: Backend) {
    this.#health = health;
    // Long polls hold a connection each, and their length is between the client and the service.
    this.pool = new Pool(url, { pipelining: 1, allowH2: false, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Asks whether it wants requests; one that drains does not. */
  async check(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
      const { statusCode, body } = await request(this.#health, { signal });
      await body.dump();
      this.live = statusCode === 200;
    } catch {
      this.live = false;
    }
  }
}

/** The replicas of one service. Whoever asks for them in turn spreads the work. */
export class Upstreams {
  readonly #replicas: readonly Upstream[];
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  constructor(replicas: readonly Backend[]) {
    this.#replicas = replicas.map((replica) => new Upstream(replica));
    this.#timer = setInterval(() => void this.#check(), CHECK_EVERY_MS);
    this.#timer.unref();
  }

  /** In which order to try them: the next in turn first, and those that seem to be down when all others have failed. */
  inTurn(): Upstream[] {
    const start = this.#next++ % this.#replicas.length;
    const order = [...this.#replicas.slice(start), ...this.#replicas.slice(0, start)];
    return [...order.filter(({ live }) => live), ...order.filter(({ live }) => !live)];
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#replicas.map(({ pool }) => pool.destroy()));
  }

  async #check(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.check()));
  }
}
