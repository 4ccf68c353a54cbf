import { MatrixError } from '@ganglion/contracts';
import type { FastifyInstance } from 'fastify';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads every body as JSON whatever its content type says, as the clients of today are used to, and refuses what is not
 * UTF-8 or not JSON. An empty body stays undefined: the endpoint's schema decides whether that is allowed.
 */
export function parseJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(utf8.decode(body));
  } catch (error) {
    throw new MatrixError(400, 'M_NOT_JSON', `The body is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}
