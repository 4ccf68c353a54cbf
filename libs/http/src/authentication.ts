import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who makes a request, as their access token says. */
export interface Requester {
  readonly userId: string;
  readonly deviceId: string;
  /** Tells the device from those that had its id before; undefined for one from before these were counted. */
  readonly deviceNid?: number | undefined;
  readonly admin: boolean;
  readonly guest: boolean;
  /** SHA-256 of the access token, to end or replace just this one. */
  readonly tokenHash: Buffer;
  /** Why the account is locked, in words for its owner; undefined when it is not. */
  readonly lockedBecause?: string | undefined;
  /** Whether the account is suspended: it reads, and changes next to nothing. */
  readonly suspended?: boolean | undefined;
  /** When the account expires, or has expired: milliseconds since the epoch; undefined for one that does not. */
  readonly accountExpiresAtMs?: number | undefined;
}

/** Where a request comes from. */
export interface Sighting {
  readonly address: string;
  readonly userAgent: string | undefined;
}

/** Turns an access token into its owner; throws M_UNKNOWN_TOKEN. */
export interface TokenVerifier {
  verify(accessToken: string, sighting?: Sighting): Promise<Requester>;
}

export const AUTHENTICATED = 'ganglion:authenticated';

/** Who may use an endpoint besides users in good standing. */
export interface AuthenticationOptions {
  readonly guests?: boolean;
  /** Whose account is locked. @see https://spec.matrix.org/v1.19/client-server-api/#account-locking */
  readonly locked?: boolean;
  /**
   * Whose account is suspended. They read whatever others may, so it is what changes something that has to say so.
   *
   * @see https://spec.matrix.org/v1.19/client-server-api/#account-suspension
   */
  readonly suspended?: boolean;
  /** Whose account has expired. */
  readonly expired?: boolean;
  /** Administrators of this server, and nobody else. */
  readonly admins?: boolean;
  /** Nobody has to show a token; who shows one has to be somebody. */
  readonly optional?: boolean;
}

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

/**
 * The endpoint needs an access token; guests may use it only when it says so. On a class, it holds for all of its endpoints
 * but those that say something else.
 */
export function Authenticated(options: AuthenticationOptions = {}): MethodDecorator & ClassDecorator {
  return SetMetadata(AUTHENTICATED, options);
}

/** Notes who makes this request. */
export function setRequester(request: FastifyRequest, requester: Requester): void {
  (request as AuthenticatedRequest)[REQUESTER] = requester;
}

/** The parameter that receives who makes the request, if somebody has said; where `Authenticated` is optional. */
export const PerhapsRequestedBy = createParamDecorator((_: unknown, context: ExecutionContext) => {
  return context.switchToHttp().getRequest<AuthenticatedRequest>()[REQUESTER];
});

/** The parameter that receives who makes the request; only on endpoints marked `Authenticated`. */
export const RequestedBy = createParamDecorator((_: unknown, context: ExecutionContext): Requester => {
  const requester = context.switchToHttp().getRequest<AuthenticatedRequest>()[REQUESTER];
  if (requester === undefined) throw new Error('RequestedBy stands on an endpoint without Authenticated');
  return requester;
});
