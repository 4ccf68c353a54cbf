import { MatrixError } from './matrix-error.js';

/** What may be limited; the configuration's `rate_limits` has a rate and a burst for each, and says of what it is. */
export type RateLimitName =
  | 'message'
  | 'delayed_events'
  | 'room_creation'
  | 'joins'
  | 'joins_per_room'
  | 'invites'
  | 'invites_per_room'
  | 'memberships'
  | 'room_reads'
  | 'search'
  | 'initial_sync'
  | 'old_initial_sync'
  | 'reports'
  | 'receipts'
  | 'typing'
  | 'presence'
  | 'directory'
  | 'public_rooms'
  | 'lookups'
  | 'registration'
  | 'auth_sessions'
  | 'emails'
  | 'emails_per_recipient'
  | 'emails_per_recipient_from_network'
  | 'login'
  | 'login_failed'
  | 'login_failed_per_network'
  | 'password_failed'
  | 'login_tokens'
  | 'openid'
  | 'refresh'
  | 'account'
  | 'account_data'
  | 'profile'
  | 'uploads'
  | 'previews'
  | 'downloads'
  | 'keys'
  | 'to_device';

export interface RateLimitDecision {
  readonly allowed: boolean;
  /** Milliseconds until the same can be allowed; 0 when it is, Infinity when it is more than ever is at once. */
  readonly retryAfterMs: number;
}

/** Counts uses per key, the same over all replicas. */
export interface RateLimiter {
  /** Counts so many uses, one by default, or none of them when they are too many. */
  take(name: RateLimitName, key: string, uses?: number): Promise<RateLimitDecision>;
}

/** As well gives uses back: for what is counted before it is known whether it counts. */
export interface RefundingRateLimiter extends RateLimiter {
  giveBack(name: RateLimitName, key: string, uses?: number): Promise<void>;
}

/**
 * Takes uses or refuses.
 *
 * @throws MatrixError M_LIMIT_EXCEEDED, or M_INVALID_PARAM when waiting would not help
 * @see https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
 */
export async function takeOrThrow(limiter: RateLimiter, name: RateLimitName, key: string, uses = 1): Promise<void> {
  const { allowed, retryAfterMs } = await limiter.take(name, key, uses);
  if (allowed) return;
  if (retryAfterMs === Infinity) {
    throw new MatrixError(400, 'M_INVALID_PARAM', `${uses} ${name} at once are more than this server allows`);
  }
  throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many requests', { retry_after_ms: retryAfterMs });
}
