import { clientAddress, householdOf, networkOf } from '@ganglion/http';
import type { JsonObject } from '@ganglion/protocol';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { LocalServers } from '../domain/local-servers.js';
import type { EmailPurpose, Requester } from '../domain/ports.js';
import type { InteractiveRequest } from '../domain/uia-request.js';

/** Where a request comes from and goes to. */
export interface Origin {
  /** The host that the client asked. */
  readonly host: string;
  /** The client's address, or its whole household's. */
  readonly address: string;
  /** The neighbourhood of that address. */
  readonly network: string;
  /** Method and URI, however that is written. */
  readonly endpoint: string;
}

/** The parameter that receives where the request comes from. */
export const RequestOrigin = createParamDecorator((_: unknown, context: ExecutionContext): Origin => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { method, routeOptions, params } = request;
  const endpoint = `${method} ${routeOptions.url} ${JSON.stringify(params)}`;
  const address = clientAddress(request);
  return { host: request.host, address: householdOf(address), network: networkOf(address), endpoint };
});

/** The request as user-interactive authentication sees it. */
export function interactiveRequest(
  { host, address, endpoint }: Origin,
  servers: LocalServers,
  body: JsonObject,
  requester?: Requester,
  emailFor?: EmailPurpose,
): InteractiveRequest {
  const user = requester && { userId: requester.userId, deviceId: requester.deviceId };
  return { endpoint, address, body, serverName: servers.forHost(host), ...user, ...(emailFor && { emailFor }) };
}
