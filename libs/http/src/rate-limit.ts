import type { RateLimitName } from '@ganglion/contracts';
import { SetMetadata } from '@nestjs/common';

export const RATE_LIMITER = Symbol('RateLimiter');
export const RATE_LIMIT = 'ganglion:rate-limit';

/** Limits the endpoint per user, or per address where nobody is logged in. */
export function RateLimited(name: RateLimitName): MethodDecorator & ClassDecorator {
  return SetMetadata(RATE_LIMIT, name);
}
