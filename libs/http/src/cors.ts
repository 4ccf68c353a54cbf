import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization, If-Match, If-None-Match',
  'access-control-expose-headers': 'ETag, Retry-After',
};

/**
 * Lets browsers on any site use the API, and answers their preflight requests for any path.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients
 */
export function allowWebBrowsers(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (!answersPreflight(request, reply)) done();
  });
}

/** Marks the answer as one for browsers; true when that is all that was asked for, and it has been sent. */
export function answersPreflight(request: FastifyRequest, reply: FastifyReply): boolean {
  reply.headers(HEADERS);
  if (request.method !== 'OPTIONS') return false;
  reply.header('access-control-max-age', '86400').status(204).send();
  return true;
}
