import type { Metrics } from '@ganglion/telemetry';
import { type FastifyInstance, fastify } from 'fastify';
import type { Draining } from './drain.js';
import { answerHealth, type HealthChecks } from './health.js';
import { NO_SCHEMAS } from './no-schemas.js';

/**
 * What operators ask on an address of their own, and nobody else is told: how this process and what it stands on are, with
 * words and addresses, and how much of what happens.
 */
export function createOperatorsApp(health: HealthChecks, metrics: Metrics, draining: Draining): FastifyInstance {
  const app = fastify({ forceCloseConnections: true, schemaController: NO_SCHEMAS });
  answerHealth(app, health, draining);
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()));
  return app;
}
