import { setTimeout as sleep } from 'node:timers/promises';
import { BusClosedError } from '../errors.js';
import type { BusLogger } from '../options.js';
import type { Connection } from './connection.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** Half to all of a pause that doubles with each failure. */
export function pauseAfter(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
}

/**
 * Does something with the server, again and again until it succeeds.
 *
 * @throws BusClosedError when the connection is closed, the last failure or an AbortError when the signal says so
 */
export async function persist<T>(
  what: string,
  connection: Connection,
  signal: AbortSignal,
  logger: BusLogger,
  run: () => Promise<T>,
): Promise<T> {
  let last: unknown;
  for (let failures = 0; ; failures++) {
    try {
      if (failures > 0) await sleep(pauseAfter(failures), undefined, { signal });
      await connection.whenConnected(signal);
      signal.throwIfAborted();
      return await run();
    } catch (error) {
      if (error instanceof BusClosedError) throw error;
      if (signal.aborted) throw last ?? error;
      if (connection.connected) logger.warn({ err: error, failures: failures + 1 }, `cannot ${what} yet`);
      last = error;
    }
  }
}
