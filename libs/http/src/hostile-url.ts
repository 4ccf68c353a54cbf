import { MatrixError } from '@ganglion/contracts';
import type { FastifyInstance } from 'fastify';

/**
 * Refuses U+0000 anywhere in a path or query. No identifier and no parameter of the specification may hold it, and
 * PostgreSQL cannot store or even look for it.
 */
export function refuseNulInUrls(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const holdsNul = request.raw.url?.includes('%00') ?? false;
    done(holdsNul ? new MatrixError(400, 'M_INVALID_PARAM', 'U+0000 is not allowed in a path or query') : undefined);
  });
}
