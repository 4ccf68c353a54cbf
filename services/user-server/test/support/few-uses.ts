import type { RefundingRateLimiter } from '@ganglion/contracts';

/** Allows a number of uses of each of the limits named, and any of the others. */
export class FewUses implements RefundingRateLimiter {
  readonly used = new Map<string, number>();

  constructor(private readonly most: Readonly<Record<string, number>>) {}

  async take(name: string, key: string) {
    const used = (this.used.get(`${name} ${key}`) ?? 0) + 1;
    const allowed = used <= (this.most[name] ?? Infinity);
    if (allowed) this.used.set(`${name} ${key}`, used);
    return { allowed, retryAfterMs: allowed ? 0 : 1_234 };
  }

  async giveBack(name: string, key: string) {
    this.used.set(`${name} ${key}`, (this.used.get(`${name} ${key}`) ?? 0) - 1);
  }
}
