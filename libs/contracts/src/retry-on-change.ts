import { setTimeout as sleep } from 'node:timers/promises';
import { MatrixError } from './matrix-error.js';

const ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 20;

/**
 * Reads something, changes it and writes it back, until nobody else was faster.
 *
 * @param attempt tells whether it was written; false when somebody had changed meanwhile what was read
 * @throws MatrixError M_LIMIT_EXCEEDED when others go on being faster, and whatever an attempt throws
 */
export async function retryOnChange(attempt: () => Promise<boolean>): Promise<void> {
  for (let count = 1; count <= ATTEMPTS; count++) {
    if (await attempt()) return;
    if (count < ATTEMPTS) await sleep(Math.random() * LONGEST_PAUSE_MS);
  }
  throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many changes of the same at once', { retry_after_ms: 1_000 });
}
