import { type RateLimitName, type RefundingRateLimiter, takeOrThrow } from '@ganglion/contracts';

/** One limit that attempts count towards, and under which key. */
export type Count = readonly [name: RateLimitName, key: string];

/**
 * Makes an attempt that counts until it has succeeded, so that nobody can make more of them by making all at once. Where one
 * count is full, the others do not grow.
 *
 * @param attempt resolves with undefined when it has failed
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export async function countUnlessItSucceeds<T>(
  limiter: RefundingRateLimiter,
  counts: readonly Count[],
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const taken: Count[] = [];
  let failed = false;
  try {
    for (const count of counts) {
      await takeOrThrow(limiter, ...count);
      taken.push(count);
    }
    const result = await attempt();
    failed = result === undefined;
    return result;
  } finally {
    if (!failed) await Promise.all(taken.map(([name, key]) => limiter.giveBack(name, key)));
  }
}
