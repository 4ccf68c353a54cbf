import type { Bus } from '@ganglion/bus';
import { type Config, SERVICE_NAMES, type ServiceName } from '@ganglion/config';
import type { Tokens } from '@ganglion/contracts/user';
import { CachingTokenVerifier, createHttpApp, type HttpApp, type HttpAppOptions } from '@ganglion/http';
import type { RpcServer } from '@ganglion/rpc';
import type { Foundation } from '@ganglion/service';
import type { RunningServices } from '../cli/context.js';
import { type ComposedServices, composeServices } from './compose-services.js';
import { layFoundation } from './foundation.js';
import { checkSchemas } from './migrate.js';
import { RemoteServices, tlsFiles } from './remote-services.js';
import { releaseStartupMemory } from './startup-memory.js';

/** What has begun and has to end again, the latest first. */
class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}

/**
 * Starts services in this process.
 *
 * @throws SchemaError when the database is not migrated, or whatever keeps them from starting
 */
export async function startServices(config: Config, services: readonly ServiceName[]): Promise<RunningServices> {
  const cleanup = new Cleanup();
  try {
    const listening = await start(config, services, cleanup);
    return { listening, stop: () => cleanup.run() };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

/** Requests come in last, when all they need is there, and end first. */
async function start(config: Config, services: readonly ServiceName[], cleanup: Cleanup): Promise<string[]> {
  const foundation = await layFoundation(config, services);
  cleanup.add(() => foundation.close());
  const { db, bus, rateLimiter, logger, metrics } = foundation;
  await checkSchemas(db);
  const remote = new RemoteServices(config, metrics);
  cleanup.add(() => remote.close());
  const composed = await composeServices(foundation, services, remote);
  const verifier = await verifyTokens(composed.tokens, bus, cleanup);
  for (const part of composed.parts) {
    cleanup.add(() => part.stop());
    await part.start();
  }
  if (services.length < SERVICE_NAMES.length) {
    const rpc = await startRpc(foundation, composed);
    cleanup.add(() => rpc.drain());
  }
  const health = { database: () => db.health(), bus: () => bus.health() };
  const app = await createHttpApp(composed.modules, {
    ...verifier,
    config: config.http,
    federationListeners: services.includes('federation-api') ? config.federation.listeners : [],
    rateLimiter,
    health,
    logger,
    metrics,
  });
  cleanup.add(() => app.operators.close());
  await listenForOperators(foundation, app);
  cleanup.add(() => app.drain());
  const listening = composed.modules.length > 0 ? await app.listen() : [];
  logger.info({ listening, services }, 'started');
  setTimeout(releaseStartupMemory, 500).unref();
  return listening;
}

type Verifier = Pick<HttpAppOptions, 'tokens' | 'revocations'>;

/** Where nobody shows a token, nobody has to know whose it is. */
async function verifyTokens(tokens: Tokens | undefined, bus: Bus, cleanup: Cleanup): Promise<Verifier> {
  if (tokens === undefined) {
    return { tokens: { verify: () => Promise.reject(new Error('no endpoint here takes a token')) } };
  }
  const verifier = new CachingTokenVerifier(tokens, bus);
  await verifier.start();
  cleanup.add(() => verifier.stop());
  return { tokens: verifier, revocations: verifier };
}

async function startRpc({ config, logger, metrics }: Foundation, { offers }: ComposedServices): Promise<RpcServer> {
  const { RpcServer } = await import('@ganglion/rpc');
  const server = new RpcServer({ listen: config.rpc.listen, logger, metrics, ...tlsFiles(config) });
  for (const { definition, implementation } of offers) server.add(definition, implementation);
  await server.start();
  return server;
}

/** Metrics and health on an address of their own, away from clients. */
async function listenForOperators({ config }: Foundation, { operators }: HttpApp): Promise<void> {
  const { listen } = config.telemetry.metrics;
  if (listen === undefined) return;
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  await operators.listen({ host, port: Number(listen.slice(colon + 1)) });
}
