import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { Config } from '@ganglion/config';
import type { RateLimiter } from '@ganglion/contracts';
import type { Logger, Metrics } from '@ganglion/telemetry';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance, fastify } from 'fastify';
import type { TokenVerifier } from './authentication.js';
import { allowWebBrowsers, answersPreflight } from './cors.js';
import { Door } from './door.js';
import { Draining } from './drain.js';
import { MatrixErrorFilter } from './error-filter.js';
import { federationOnly } from './federation-only.js';
import { answerLiveness, type HealthChecks } from './health.js';
import { refuseNulInUrls } from './hostile-url.js';
import { parseJsonBodies } from './json-body.js';
import { Listeners } from './listeners.js';
import { NO_SCHEMAS } from './no-schemas.js';
import { createOperatorsApp } from './operators-app.js';
import { RATE_LIMITER } from './rate-limit.js';
import { observeRequests } from './request-telemetry.js';
import { NO_REVOCATIONS, TOKEN_REVOCATIONS, type TokenRevocations } from './token-revocations.js';
import { answerUnrecognized, type Routes } from './unrecognized.js';

export interface HttpAppOptions {
  readonly config: Config['http'];
  readonly tokens: TokenVerifier;
  /** Where tokens may end while a request waits. */
  readonly revocations?: TokenRevocations;
  readonly rateLimiter: RateLimiter;
  readonly health: HealthChecks;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly draining?: Draining;
  /** Where only other servers are answered. */
  readonly federationListeners?: Config['federation']['listeners'];
}

/** The HTTP side of one process: whatever services' modules it was given, behind one set of listeners. */
export interface HttpApp {
  readonly fastify: FastifyInstance;
  /** What is answered to operators, on an address of their own: it listens when it is told to. */
  readonly operators: FastifyInstance;
  /** Everything it answers. */
  readonly routes: Routes;
  /** Starts listening; resolves with the URLs. */
  listen(): Promise<string[]>;
  /** Answers long polls, finishes what runs, cuts nothing before `drain_seconds`. */
  drain(): Promise<void>;
}

/** Leaves what no route answers, and what fails before one, to the handlers that the server has already. */
class MatrixFastifyAdapter extends FastifyAdapter {
  override setNotFoundHandler(): never {
    return this.getInstance() as never;
  }

  override setErrorHandler(): never {
    return this.getInstance() as never;
  }
}

/**
 * Older clients speak r0, whose endpoints were taken over unchanged as v3, and know what became of the addresses of accounts
 * under the name that it had before (MSC2290).
 */
function asV3(url: string): string {
  return url
    .replace(/^\/_matrix\/(client|media)\/r0\//, '/_matrix/$1/v3/')
    .replace(
      /^\/_matrix\/client\/unstable\/(account\/3pid\/(?:add|bind|delete|unbind)\/?(?:\?|$))/,
      '/_matrix/client/v3/$1',
    );
}

function createFastify(options: HttpAppOptions, filter: MatrixErrorFilter, draining: Draining) {
  const { trusted_proxies } = options.config;
  const app = fastify({
    trustProxy: trusted_proxies.length > 0 && trusted_proxies,
    genReqId: () => randomUUID(),
    return503OnClosing: false,
    schemaController: NO_SCHEMAS,
    rewriteUrl: (request) => asV3(request.url ?? '/'),
    routerOptions: { maxParamLength: 2048, ignoreTrailingSlash: true },
    // For a path that cannot be decoded no hook is run.
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      if (!answersPreflight(request, reply)) filter.answer(error, request, reply);
    },
  });
  allowWebBrowsers(app);
  observeRequests(app, options.metrics, options.logger);
  const routes = answerUnrecognized(app, (...of) => filter.answer(...of));
  refuseNulInUrls(app);
  app.addHook('onSend', (request, reply, payload, done) => {
    reply.header('x-request-id', request.id);
    // JSON is UTF-8 by definition; some clients compare the header to the letter.
    if (reply.getHeader('content-type') === 'application/json; charset=utf-8')
      reply.header('content-type', 'application/json');
    if (draining.begun) reply.header('connection', 'close');
    done(null, payload);
  });
  app.setErrorHandler((error, request, reply) => filter.answer(error, request, reply));
  answerLiveness(app, draining);
  return { app, routes };
}

/** What every service's controllers may ask for, whichever process they run in. */
function sharedModule(options: HttpAppOptions, draining: Draining): DynamicModule {
  const providers = [
    { provide: TOKEN_REVOCATIONS, useValue: options.revocations ?? NO_REVOCATIONS },
    { provide: RATE_LIMITER, useValue: options.rateLimiter },
    { provide: Draining, useValue: draining },
  ];
  return { module: SharedModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
}

@Module({})
class SharedModule {}

/** Composes the modules of one or more services into one HTTP application. */
export async function createHttpApp(
  modules: readonly (DynamicModule | Type)[],
  options: HttpAppOptions,
): Promise<HttpApp> {
  const draining = options.draining ?? new Draining();
  const filter = new MatrixErrorFilter(options.logger);
  const { app: server, routes } = createFastify(options, filter, draining);
  const adapter = new MatrixFastifyAdapter(server as never);
  const root: DynamicModule = { module: RootModule, imports: [sharedModule(options, draining), ...modules] };
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    ...{ logger: false, bodyParser: false },
    // Or Nest would end the process, and say nothing of what is missing.
    abortOnError: false,
  });
  parseJsonBodies(server, options.config.max_body_bytes);
  app.useGlobalFilters(filter);
  app.useGlobalGuards(new Door(options.tokens, options.rateLimiter));
  await app.init();
  await server.ready();
  const { config, logger } = options;
  const onFault = (error: Error) => logger.warn({ err: error }, 'renewed certificates of a listener are not used');
  const handle: RequestListener = (request, response) => server.routing(request, response);
  const sockets = [
    new Listeners(config.listeners, handle, onFault),
    new Listeners(options.federationListeners ?? [], federationOnly(handle), onFault),
  ];
  return {
    fastify: server,
    operators: createOperatorsApp(options.health, options.metrics, draining),
    routes,
    listen: async () => (await Promise.all(sockets.map((listeners) => listeners.listen()))).flat(),
    async drain() {
      draining.begin();
      await Promise.all(sockets.map((listeners) => listeners.close(config.drain_seconds * 1000)));
      await app.close();
    },
  };
}

@Module({})
class RootModule {}
