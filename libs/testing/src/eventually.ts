import { setTimeout as sleep } from 'node:timers/promises';

/** Tries until the expectations hold; fails as they did last when they do not in time. */
export async function eventually<T>(expectations: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await expectations();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(10);
    }
  }
}
