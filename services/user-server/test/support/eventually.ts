import { setTimeout as sleep } from 'node:timers/promises';

/** Tries until the expectations hold; fails as they did last when they do not in time. */
export async function eventually(expectations: () => void | Promise<void>, timeoutMs = 10_000): Promise<void> {
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
