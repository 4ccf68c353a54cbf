import { setTimeout as sleep } from 'node:timers/promises';
import type { Tally } from '../types.ts';
import { type Reply, readJson } from './client.ts';

/** One request: `slot` is who asks (0 … inFlight-1), `n` how many were begun before it by all. */
export type Step = (slot: number, n: number) => Promise<Reply>;

/** Whether request `n`, beginning `elapsed` ms after the first, is still part of the load. */
export type Until = (n: number, elapsed: number) => boolean;

export const forSeconds =
  (seconds: number): Until =>
  (_n, elapsed) =>
    elapsed < seconds * 1000;

export const forCount =
  (count: number): Until =>
  (n) =>
    n < count;

/** So many failures with so few successes are no measurement. */
const hopeless = 100;

/** Counts answers, and gives up when nearly all of them are refusals. */
export class Score {
  readonly #start = performance.now();
  readonly #latencies: number[] = [];
  #last = this.#start;
  #errors = 0;
  #complaint: string | undefined;

  get elapsed(): number {
    return performance.now() - this.#start;
  }

  /** Waits for an answer and counts it, good or bad. */
  async count(start: number, pending: Promise<Reply>): Promise<void> {
    try {
      const reply = await pending;
      this.#last = Math.max(this.#last, reply.at);
      if (reply.status === 200) this.#latencies.push(reply.at - start);
      else this.miss(`${reply.status} ${String(readJson(reply).errcode ?? '')}`);
    } catch (error) {
      this.miss((error as Error).message);
    }
    if (this.#errors > hopeless + this.#latencies.length) throw new Error(`most requests fail: ${this.#complaint}`);
  }

  miss(complaint: string, times = 1): void {
    this.#errors += times;
    this.#complaint ??= complaint;
  }

  add(latency: number, at: number): void {
    this.#latencies.push(latency);
    this.#last = Math.max(this.#last, at);
  }

  tally(): Tally {
    return {
      done: this.#latencies.length,
      errors: this.#errors,
      seconds: Math.max(this.#last - this.#start, 1) / 1000,
      latencies: this.#latencies,
      ...(this.#complaint && { complaint: this.#complaint }),
    };
  }
}

/**
 * Keeps `inFlight` requests on their way until there have been enough: each asker sends its next when its last was answered.
 *
 * @throws Error when most requests fail
 */
export async function closedLoop(inFlight: number, until: Until, step: Step): Promise<Tally> {
  const score = new Score();
  let begun = 0;
  const ask = async (slot: number) => {
    while (until(begun, score.elapsed)) {
      const start = performance.now();
      await score.count(start, step(slot, begun++));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, slot) => ask(slot)));
  return score.tally();
}

/**
 * Begins `rate` requests a second whether or not those before were answered.
 *
 * @throws Error when most requests fail
 */
export async function pacedLoop(rate: number, seconds: number, step: Step): Promise<Tally> {
  const score = new Score();
  const pending: Promise<void>[] = [];
  const total = Math.round(rate * seconds);
  while (pending.length < total) {
    const due = Math.min(total, Math.floor((score.elapsed / 1000) * rate) + 1);
    while (pending.length < due) {
      const n = pending.length;
      pending.push(score.count(performance.now(), step(n, n)));
    }
    await sleep(Math.min(10, 1000 / rate));
  }
  await Promise.all(pending);
  return score.tally();
}
