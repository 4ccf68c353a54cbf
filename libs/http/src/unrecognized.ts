import { MatrixError } from '@ganglion/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';

/** The methods of each path, written as in the routes. */
export type Routes = ReadonlyMap<string, ReadonlySet<string>>;

type Answer = (error: MatrixError, request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Remembers every route under every method, and answers what no route does before anything of it is read: 404 when there is no
 * such path, 400 when a part of it is empty, 405 when another method would have been right.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#common-error-codes
 */
export function answerUnrecognized(app: FastifyInstance, answer: Answer): Routes {
  const paths = findMyWay({ ignoreTrailingSlash: true });
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set<string>();
    if (!methods.has(url) && url !== '*' && url !== '/*') paths.on('GET' as HTTPMethod, url, () => {}, known);
    for (const name of [method].flat() as HTTPMethods[]) known.add(name);
    methods.set(url, known);
  });
  const refuse = (request: FastifyRequest, reply: FastifyReply) => {
    const found = paths.find('GET', request.raw.url?.split('?', 1)[0] ?? '/');
    const allowed = found === null ? undefined : [...(found.store as Set<string>)].join(', ');
    const error = whyNot(found?.params, allowed);
    if (error.status === 405) reply.header('allow', allowed);
    answer(error, request, reply);
  };
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || emptyOf(request.params as Params) !== undefined) refuse(request, reply);
    else done();
  });
  // Nest, too, has requests that it takes for unanswered.
  app.setNotFoundHandler(refuse);
  return methods;
}

type Params = Readonly<Record<string, string | undefined>>;

/** The name of a parameter that is empty. */
function emptyOf(params: Params = {}): string | undefined {
  return Object.keys(params).find((name) => params[name] === '');
}

/** Why no route answers a path, with the parameters that it would have and the methods that it knows. */
function whyNot(params: Params | undefined, allowed: string | undefined): MatrixError {
  if (allowed === undefined) return new MatrixError(404, 'M_UNRECOGNIZED', 'There is no such endpoint');
  const empty = emptyOf(params);
  if (empty !== undefined) return new MatrixError(400, 'M_INVALID_PARAM', `${empty}: must not be empty`);
  return new MatrixError(405, 'M_UNRECOGNIZED', `This endpoint knows only ${allowed}`);
}
