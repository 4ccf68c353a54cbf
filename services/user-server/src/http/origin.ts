import { clientAddress } from '@ganglion/http';
import type { JsonObject } from '@ganglion/protocol';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { LocalServers } from '../domain/local-servers.js';
import type { Requester } from '../domain/ports.js';
import type { InteractiveRequest } from '../domain/uia-request.js';

/** Where a request comes from and goes to. */
export interface Origin {
  /** The host that the client asked. */
  readonly host: string;
  /** The client's address. */
  readonly address: string;
  /** Method and path. */
  readonly endpoint: string;
}

/** The parameter that receives where the request comes from. */
export const RequestOrigin = createParamDecorator((_: unknown, context: ExecutionContext): Origin => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const [path = ''] = request.url.split('?', 1);
  return { host: request.host, address: clientAddress(request), endpoint: `${request.method} ${path}` };
});

/** The request as user-interactive authentication sees it. */
export function interactiveRequest(
  { host, endpoint }: Origin,
  servers: LocalServers,
  body: JsonObject,
  requester?: Requester,
): InteractiveRequest {
  return { endpoint, body, serverName: servers.forHost(host), ...(requester && { userId: requester.userId }) };
}
