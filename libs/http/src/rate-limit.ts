import { MatrixError } from '@ganglion/contracts';
import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { requesterOf } from './authentication.js';
import { clientAddress, householdOf } from './client-address.js';

/** What may be limited; the configuration's `rate_limits` has a rate and a burst for each. */
export type RateLimitName = 'message' | 'registration' | 'login' | 'login_failed' | 'joins' | 'invites';

export interface RateLimitDecision {
  readonly allowed: boolean;
  /** Milliseconds until the next attempt can succeed; 0 when allowed. */
  readonly retryAfterMs: number;
}

/** Counts uses per key, the same over all replicas. */
export interface RateLimiter {
  take(name: RateLimitName, key: string): Promise<RateLimitDecision>;
}

/** As well gives uses back: for what is counted before it is known whether it counts. */
export interface RefundingRateLimiter extends RateLimiter {
  giveBack(name: RateLimitName, key: string): Promise<void>;
}

export const RATE_LIMITER = Symbol('RateLimiter');
const LIMIT = 'ganglion:rate-limit';

/** Takes one use or throws M_LIMIT_EXCEEDED. @see https://spec.matrix.org/v1.19/client-server-api/#rate-limiting */
export async function takeOrThrow(limiter: RateLimiter, name: RateLimitName, key: string): Promise<void> {
  const { allowed, retryAfterMs } = await limiter.take(name, key);
  if (!allowed) {
    throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many requests', { retry_after_ms: retryAfterMs });
  }
}

@Injectable()
class RateLimitGuard implements CanActivate {
  constructor(
    @Inject(RATE_LIMITER) private readonly limiter: RateLimiter,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const name = this.reflector.get<RateLimitName>(LIMIT, context.getHandler());
    await takeOrThrow(this.limiter, name, requesterOf(request)?.userId ?? householdOf(clientAddress(request)));
    return true;
  }
}

/** Limits the endpoint per user, or per address where nobody is logged in. Stands below `Authenticated`. */
export function RateLimited(name: RateLimitName): MethodDecorator {
  return applyDecorators(SetMetadata(LIMIT, name), UseGuards(RateLimitGuard));
}
