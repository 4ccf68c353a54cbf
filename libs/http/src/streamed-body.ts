import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

interface StreamedRoute {
  readonly streamedBody?: boolean;
}

/**
 * The endpoint reads the body of its requests itself, while it arrives: whatever it is, however much, and for how long. What it
 * leaves is not read.
 */
export function StreamedBody(): MethodDecorator {
  return RouteConfig({ streamedBody: true } satisfies StreamedRoute);
}

export function isStreamed({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as StreamedRoute | undefined)?.streamedBody === true;
}

/** The whole request, where its body is streamed. */
export const Incoming = createParamDecorator((_: unknown, context: ExecutionContext): FastifyRequest => {
  return context.switchToHttp().getRequest<FastifyRequest>();
});
