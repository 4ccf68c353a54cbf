import { MatrixError } from '@ganglion/contracts';
import { bodyText, parseBody } from '@ganglion/http';
import { JsonSyntaxError, type JsonValue, parseJson } from '@ganglion/protocol';
import { type CanActivate, createParamDecorator, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type Asked, RequestAuthentication } from './request-authentication.js';

const ASKED = Symbol('asked');
const CONTENT = Symbol('content');
type AskedRequest = FastifyRequest & { [ASKED]?: Asked; [CONTENT]?: JsonValue | undefined };

/** Lets other servers' requests in, once it is certain whose they are. Needs `RequestAuthentication` among the providers. */
@Injectable()
export class FederationGuard implements CanActivate {
  constructor(@Inject(RequestAuthentication) private readonly authentication: RequestAuthentication) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AskedRequest>();
    const content = contentOf(request);
    request[CONTENT] = content;
    request[ASKED] = await this.authentication.authenticate({
      method: request.method,
      uri: request.originalUrl,
      authorization: request.headers.authorization,
      host: request.host,
      ...{ content, contentText: content === undefined ? undefined : bodyText(request) },
    });
    return true;
  }
}

/** The parameter that receives which server asks which of ours; only behind a `FederationGuard`. */
export const AskedBy = createParamDecorator((_: unknown, context: ExecutionContext): Asked => {
  const asked = context.switchToHttp().getRequest<AskedRequest>()[ASKED];
  if (asked === undefined) throw new Error('AskedBy stands on an endpoint without FederationGuard');
  return asked;
});

/** The signed body, parsed by the schema, with its numbers as they were written; only behind a `FederationGuard`. */
export const SignedBody = (schema: z.ZodType): ParameterDecorator =>
  createParamDecorator((_: unknown, context: ExecutionContext) =>
    parseBody(schema, context.switchToHttp().getRequest<AskedRequest>()[CONTENT]),
  )();

/** The body with its numbers as they were written. */
function contentOf(request: FastifyRequest): JsonValue | undefined {
  const text = bodyText(request);
  if (text === '') return undefined;
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new MatrixError(400, 'M_NOT_JSON', 'The body is not JSON');
    throw error;
  }
}
