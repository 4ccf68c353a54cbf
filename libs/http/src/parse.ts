import { MatrixError } from '@ganglion/contracts';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { bodyText } from './json-body.js';
import { type RewrittenNumber, rewrittenNumber } from './rewritten-number.js';

/**
 * Parses what came in with a schema, or throws the spec's error with words that say what is wrong and where.
 *
 * @param missing errcode for something required that is absent; `invalid` for what is there but wrong
 * @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
function parseWith<T>(schema: z.ZodType<T>, input: unknown, missing: string, invalid: string): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  const absent = issue !== undefined && issue.path.length > 0 && valueAt(input, issue.path) === undefined;
  const errcode = (issue as { params?: { errcode?: string } } | undefined)?.params?.errcode;
  const message =
    absent && where !== '' ? `${where} is required` : `${where === '' ? '' : `${where}: `}${issue?.message}`;
  throw new MatrixError(400, errcode ?? (absent ? missing : invalid), message);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}

/** Parses a JSON body; an absent body is M_NOT_JSON unless the schema accepts `undefined`. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  if (body === undefined) {
    const result = schema.safeParse(undefined);
    if (result.success) return result.data;
    throw new MatrixError(400, 'M_NOT_JSON', 'The request has no body; a JSON object is required');
  }
  return parseWith(schema, body, 'M_BAD_JSON', 'M_BAD_JSON');
}

/** Parses the query string's parameters. */
export function parseQuery<T>(schema: z.ZodType<T>, query: unknown): T {
  return parseWith(schema, query, 'M_MISSING_PARAM', 'M_INVALID_PARAM');
}

/** Nest would take a schema that is given to a decorator for a pipe, as both have a `transform`; so it is closed over. */
function parsedParameter(parse: (request: FastifyRequest) => unknown): ParameterDecorator {
  return createParamDecorator((_: unknown, context: ExecutionContext) =>
    parse(context.switchToHttp().getRequest<FastifyRequest>()),
  )();
}

/** The request's JSON body, parsed by the schema. */
export const JsonBody = (schema: z.ZodType): ParameterDecorator =>
  parsedParameter(({ body }) => parseBody(schema, body));

/**
 * As JsonBody, where what is parsed is kept: a number that would be kept as another one, or written otherwise, is refused, so
 * that nobody gets back what they did not give.
 */
export const StoredJsonBody = (schema: z.ZodType): ParameterDecorator =>
  parsedParameter((request) => {
    const number = rewrittenNumber(bodyText(request));
    if (number === undefined) return parseBody(schema, request.body);
    throw keptOtherwise(number);
  });

/** As StoredJsonBody, where 1.0 may as well be kept as 1. */
export const StoredNumbersBody = (schema: z.ZodType): ParameterDecorator =>
  parsedParameter((request) => {
    const number = rewrittenNumber(bodyText(request));
    if (number?.isOther !== true) return parseBody(schema, request.body);
    throw keptOtherwise(number);
  });

function keptOtherwise({ written, kept }: RewrittenNumber): MatrixError {
  return new MatrixError(400, 'M_BAD_JSON', `The number ${cut(written)} would be kept as ${kept}`);
}

/** The request's body to the byte, where it is kept as it came; beside JsonBody, which looks into it. */
export const BodyText = (): ParameterDecorator => parsedParameter(bodyText);

function cut(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** The request's query parameters, parsed by the schema. */
export const Query = (schema: z.ZodType): ParameterDecorator =>
  parsedParameter(({ query }) => parseQuery(schema, query));

/** The path's parameters (already percent-decoded), parsed by the schema. */
export const Path = (schema: z.ZodType): ParameterDecorator =>
  parsedParameter(({ params }) => parseWith(schema, params, 'M_MISSING_PARAM', 'M_INVALID_PARAM'));
