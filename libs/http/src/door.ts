import {
  accountExpired,
  MatrixError,
  type RateLimiter,
  type RateLimitName,
  takeOrThrow,
  userLocked,
  userSuspended,
} from '@ganglion/contracts';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import {
  AUTHENTICATED,
  type AuthenticationOptions,
  accessTokenOf,
  type Requester,
  setRequester,
  type TokenVerifier,
} from './authentication.js';
import { clientAddress, householdOf } from './client-address.js';
import { RATE_LIMIT } from './rate-limit.js';

/** What does not ask to change anything. */
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Stands before every endpoint: first it wants to know who comes, then how often. */
export class Door implements CanActivate {
  readonly #reflector = new Reflector();

  constructor(
    private readonly tokens: TokenVerifier,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * @throws MatrixError M_MISSING_TOKEN, M_UNKNOWN_TOKEN, M_USER_LOCKED, ORG_MATRIX_EXPIRED_ACCOUNT,
   *   M_USER_SUSPENDED, M_GUEST_ACCESS_FORBIDDEN, M_FORBIDDEN, M_LIMIT_EXCEEDED
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const declared = <T>(key: string) =>
      this.#reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
    const authentication = declared<AuthenticationOptions>(AUTHENTICATED);
    const requester = authentication && (await this.#authenticate(request, authentication));
    const limit = declared<RateLimitName>(RATE_LIMIT);
    if (limit) await takeOrThrow(this.limiter, limit, requester?.userId ?? householdOf(clientAddress(request)));
    return true;
  }

  async #authenticate(request: FastifyRequest, options: AuthenticationOptions): Promise<Requester | undefined> {
    const token = accessTokenOf(request);
    if (token === undefined && options.optional === true) return undefined;
    if (token === undefined) throw new MatrixError(401, 'M_MISSING_TOKEN', 'This endpoint needs an access token');
    const sighting = { address: clientAddress(request), userAgent: request.headers['user-agent'] };
    const requester = await this.tokens.verify(token, sighting);
    if (requester.lockedBecause !== undefined && options.locked !== true) throw userLocked(requester.lockedBecause);
    if (hasExpired(requester) && options.expired !== true) throw accountExpired();
    if (requester.suspended && options.suspended !== true && !READS.has(request.method)) throw userSuspended();
    if (requester.guest && options.guests !== true) {
      throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guests may not use this endpoint');
    }
    if (options.admins === true && !requester.admin) {
      throw new MatrixError(403, 'M_FORBIDDEN', 'Only administrators of this server may do this');
    }
    setRequester(request, requester);
    return requester;
  }
}

function hasExpired({ accountExpiresAtMs }: Requester): boolean {
  return accountExpiresAtMs !== undefined && accountExpiresAtMs <= Date.now();
}
