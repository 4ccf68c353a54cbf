import { MatrixError } from '@ganglion/contracts';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';

/** The methods of each path, written as in the routes. */
export type Routes = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Remembers every route under every method, so that a request that no route answers gets 405 when another method
 * would have been right and 404 otherwise, both with M_UNRECOGNIZED.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#common-error-codes
 */
export function answerUnrecognized(
  app: FastifyInstance,
  answer: (error: MatrixError, ...rest: never[]) => void,
): Routes {
  const paths = findMyWay({ ignoreTrailingSlash: true });
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    if (!methods.has(url) && url !== '*' && url !== '/*') paths.on('GET' as HTTPMethod, url, () => {}, known);
    for (const name of [method].flat() as HTTPMethods[]) known.add(name);
    methods.set(url, known);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.raw.url?.split('?', 1)[0] ?? '/';
    const found = paths.find('GET', path)?.store as Set<string> | undefined;
    const allowed = [...(found ?? [])].join(', ');
    if (found !== undefined) reply.header('allow', allowed);
    const error =
      found === undefined
        ? new MatrixError(404, 'M_UNRECOGNIZED', 'There is no such endpoint')
        : new MatrixError(405, 'M_UNRECOGNIZED', `This endpoint knows only ${allowed}`);
    (answer as (error: MatrixError, request: unknown, reply: unknown) => void)(error, request, reply);
  });
  return methods;
}
