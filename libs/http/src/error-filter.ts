import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { isTemporary } from '@ganglion/database';
import { RpcUnavailableError } from '@ganglion/rpc/errors';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What the filter writes a line to when a request failed through a fault of ours. */
export interface ErrorLog {
  error(fields: object, message: string): void;
}

interface FastifyFault {
  readonly code?: string;
  readonly statusCode?: number;
  readonly message?: string;
}

/** Faults that Fastify itself finds before a handler runs, by the code it gives them. */
const FASTIFY_FAULTS: Readonly<Record<string, readonly [status: number, errcode: string]>> = {
  FST_ERR_BAD_URL: [400, 'M_INVALID_PARAM'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'M_INVALID_PARAM'],
};

/** Any thrown value as the error a client gets; undefined for a fault of ours, whose details stay in the log. */
function knownError(thrown: unknown): MatrixError | undefined {
  if (isMatrixError(thrown)) return thrown;
  if (thrown instanceof RpcUnavailableError) return unreachable();
  const { code, statusCode, message } = (thrown ?? {}) as FastifyFault;
  const fault = code === undefined ? undefined : FASTIFY_FAULTS[code];
  if (fault !== undefined) return new MatrixError(fault[0], fault[1], message ?? 'Bad request');
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusCode;
  if (status !== undefined && status >= 400 && status < 500) return new MatrixError(status, 'M_UNKNOWN', message ?? '');
  return undefined;
}

function unreachable(): MatrixError {
  return new MatrixError(503, 'M_UNKNOWN', 'A part of the server is not reachable right now, please try again');
}

/** The body of an error answer. @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response */
function errorBody(error: MatrixError): Record<string, unknown> {
  return { ...error.extra, errcode: error.errcode, error: error.message };
}

/** Turns everything thrown into the spec's error answer. */
@Catch()
export class MatrixErrorFilter implements ExceptionFilter {
  constructor(private readonly log: ErrorLog) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent) return;
    const error = knownError(thrown) ?? this.#fault(thrown, request);
    const retryAfterMs = error.extra?.retry_after_ms;
    if (typeof retryAfterMs === 'number') reply.header('retry-after', String(Math.ceil(retryAfterMs / 1000)));
    void reply
      .status(error.status)
      .header('content-type', 'application/json')
      // As bytes: to a text Fastify would add the character set.
      .send(Buffer.from(JSON.stringify(errorBody(error))));
  }

  #fault(thrown: unknown, request: FastifyRequest): MatrixError {
    this.log.error({ err: thrown, request_id: request.id, route: request.routeOptions.url }, 'a request failed');
    if (isTemporary(thrown)) return unreachable();
    return new MatrixError(500, 'M_UNKNOWN', `Internal server error (request ${request.id})`);
  }
}
