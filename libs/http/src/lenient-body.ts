import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

export interface LenientBodyOptions {
  /** In place of what is configured for all endpoints. */
  readonly maxBytes: number;
}

interface LenientRoute {
  readonly lenientBody?: LenientBodyOptions;
}

/**
 * The endpoint reads the text of the body itself, by `bodyText`: what is malformed in one part of it is no reason to refuse the
 * others. Nothing but that it is UTF-8 is looked at before.
 */
export function LenientBody(options: LenientBodyOptions): MethodDecorator {
  return RouteConfig({ lenientBody: options } satisfies LenientRoute);
}

export function lenientBodyOf({ routeOptions }: FastifyRequest): LenientBodyOptions | undefined {
  return (routeOptions.config as LenientRoute | undefined)?.lenientBody;
}
