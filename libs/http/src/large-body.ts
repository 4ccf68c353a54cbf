import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

interface LargeRoute {
  readonly largeBody?: number;
}

/** The endpoint takes bodies of more bytes than are configured for all endpoints; fewer it never takes. */
export function LargeBody(maxBytes: number): MethodDecorator {
  return RouteConfig({ largeBody: maxBytes } satisfies LargeRoute);
}

export function largeBodyOf({ routeOptions }: FastifyRequest): number {
  return (routeOptions.config as LargeRoute | undefined)?.largeBody ?? 0;
}
