import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Draining } from './drain.js';

/** What must work for this process to be of use; each throws with words when it does not. */
export type HealthChecks = Readonly<Record<string, () => Promise<void>>>;

const TIMEOUT_MS = 2_000;

/**
 * `/health/live` says that the process can answer and what it stands on answers it; `/health/ready` also that it wants
 * new requests, which ends as soon as it drains. Both are 200 or 503 with one line for each check. Whoever can do without
 * something says so, as in `/health/ready?exclude=bus`: see docs/decisions/health.md.
 */
export function answerHealth(app: FastifyInstance, checks: HealthChecks, draining: Draining): void {
  app.get('/health/live', async (request, reply) => {
    const results = await runChecks(wanted(checks, request));
    return reply.status(statusOf(results)).send(results);
  });
  app.get('/health/ready', async (request, reply) => {
    const results = await runChecks(wanted(checks, request));
    if (draining.begun) results.draining = 'this process is stopping';
    return reply.status(statusOf(results)).send(results);
  });
}

/**
 * `/health` tells anybody whether this process wants requests, and nothing else: 200 until it drains, 503 from then on. It costs
 * nothing, and says nothing of what stands behind.
 */
export function answerLiveness(app: FastifyInstance, draining: Draining): void {
  app.get('/health', async (_request, reply) => reply.status(draining.begun ? 503 : 200).send({}));
}

function wanted(checks: HealthChecks, { query }: FastifyRequest): HealthChecks {
  const excluded = [(query as { exclude?: string | string[] }).exclude ?? []].flat();
  return Object.fromEntries(Object.entries(checks).filter(([name]) => !excluded.includes(name)));
}

function statusOf(results: Record<string, string>): number {
  return Object.values(results).every((result) => result === 'ok') ? 200 : 503;
}

async function runChecks(checks: HealthChecks): Promise<Record<string, string>> {
  const results = await Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await run(check)]));
  return Object.fromEntries(results);
}

async function run(check: () => Promise<void>): Promise<string> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  try {
    await Promise.race([check(), late]);
    return 'ok';
  } catch (error) {
    return (error as Error).message;
  } finally {
    clearTimeout(timer);
  }
}
