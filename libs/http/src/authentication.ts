import { MatrixError } from '@ganglion/contracts';
import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';

/** Who makes a request, as their access token says. */
export interface Requester {
  readonly userId: string;
  readonly deviceId: string;
  readonly admin: boolean;
  readonly guest: boolean;
  /** SHA-256 of the access token, to end or replace just this one. */
  readonly tokenHash: Buffer;
}

/** Turns an access token into its owner; throws M_UNKNOWN_TOKEN. */
export interface TokenVerifier {
  verify(accessToken: string): Promise<Requester>;
}

export const TOKEN_VERIFIER = Symbol('TokenVerifier');
const GUESTS_ALLOWED = 'ganglion:guests-allowed';
const REQUESTER = Symbol('requester');

type AuthenticatedRequest = FastifyRequest & { [REQUESTER]?: Requester };

/**
 * The access token of a request, from the header or, as older clients send it, the query.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens
 */
export function accessTokenOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return /^Bearer +(\S+)$/i.exec(header)?.[1];
  const query = (request.query as Record<string, unknown>).access_token;
  return typeof query === 'string' && query !== '' ? query : undefined;
}

@Injectable()
class AuthenticationGuard implements CanActivate {
  constructor(
    @Inject(TOKEN_VERIFIER) private readonly tokens: TokenVerifier,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const token = accessTokenOf(request);
    if (token === undefined) throw new MatrixError(401, 'M_MISSING_TOKEN', 'This endpoint needs an access token');
    const requester = await this.tokens.verify(token);
    if (requester.guest && this.reflector.get(GUESTS_ALLOWED, context.getHandler()) !== true) {
      throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guests may not use this endpoint');
    }
    request[REQUESTER] = requester;
    return true;
  }
}

/** The endpoint needs an access token; guests may use it only when it says so. */
export function Authenticated(options: { guests?: boolean } = {}): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(GUESTS_ALLOWED, options.guests === true), UseGuards(AuthenticationGuard));
}

/** Who makes this request, for guards and hooks that run after authentication. */
export function requesterOf(request: FastifyRequest): Requester | undefined {
  return (request as AuthenticatedRequest)[REQUESTER];
}

/** The parameter that receives who makes the request; only on endpoints marked `Authenticated`. */
export const RequestedBy = createParamDecorator((_: unknown, context: ExecutionContext): Requester => {
  const requester = requesterOf(context.switchToHttp().getRequest<FastifyRequest>());
  if (requester === undefined) throw new Error('RequestedBy stands on an endpoint without Authenticated');
  return requester;
});
