import type { Contents, Route, TransactionSender } from '../ports/sending.js';

export interface GentleSenderOptions {
  /** So many servers are connected to in a second … */
  readonly perSecond: number;
  /** … after so many at once. */
  readonly burst: number;
  /** So many in a second while the process has enough to do. */
  readonly perBusySecond: number;
  readonly isBusy: () => boolean;
  /** Milliseconds. */
  readonly now: () => number;
  /** Resolves after so many milliseconds, or rejects when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Connections that nobody uses are kept a little longer. */
const WARM_MS = 25_000;
const MOST_WARM = 10_000;

/**
 * Does not connect to very many servers at once. To agree on keys with one costs as much as to send twenty messages: an event for a
 * thousand servers must not keep those waiting who talk in other rooms meanwhile. Where something was sent to a moment ago, the
 * connection is there still, and nothing waits.
 */
export class GentleSender implements TransactionSender {
  /** When each was reached the last time; the earliest first. */
  readonly #warm = new Map<string, number>();
  /** When the next connection may begin. */
  #next = 0;

  constructor(
    private readonly sender: TransactionSender,
    private readonly options: GentleSenderOptions,
  ) {}

  async send(route: Route, txnId: string, contents: Contents, signal: AbortSignal): Promise<void> {
    if (!this.#isWarm(route.server)) await this.#turn(signal);
    await this.sender.send(route, txnId, contents, signal);
    this.#remember(route.server);
  }

  #isWarm(server: string): boolean {
    const reached = this.#warm.get(server);
    return reached !== undefined && reached + WARM_MS > this.options.now();
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { perSecond, perBusySecond, isBusy, burst, now, pause } = this.options;
    const apart = 1_000 / (isBusy() ? perBusySecond : perSecond);
    const start = Math.max(this.#next, now() - burst * apart);
    this.#next = start + apart;
    const ms = this.#next - now();
    if (ms > 0) await pause(ms, signal);
  }

  #remember(server: string): void {
    this.#warm.delete(server);
    this.#warm.set(server, this.options.now());
    const [earliest] = this.#warm.keys();
    if (this.#warm.size > MOST_WARM && earliest !== undefined) this.#warm.delete(earliest);
  }
}
