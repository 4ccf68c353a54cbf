import { randomUUID } from 'node:crypto';
import { createEmbeddedBus, prometheusBusMetrics } from '@ganglion/bus';
import type { Config, ServiceName } from '@ganglion/config';
import { Database } from '@ganglion/database';
import { PostgresRateLimiter } from '@ganglion/http';
import type { Foundation } from '@ganglion/service';
import { createTelemetry, type Logger, type Metrics, type Telemetry } from '@ganglion/telemetry';
import { VERSION } from '../version.js';
import { loadSigningKeys } from './signing-keys.js';

/** What the services of a process stand on, with its end. */
export interface OwnFoundation extends Foundation {
  close(): Promise<void>;
}

/** Connects to the database and the bus. @throws Error when one of them does not answer */
export async function layFoundation(config: Config, services: readonly ServiceName[]): Promise<OwnFoundation> {
  const service = services.length === 1 ? services[0]! : services.length > 4 ? 'all-in-one' : services.join('+');
  const telemetry = await startTelemetry(config, service);
  const { logger, metrics } = telemetry;
  const db = await openDatabase(config, service, { logger, metrics });
  const bus = await openBus(config, service, { logger, metrics });
  const rateLimiter = new PostgresRateLimiter(db, config.rate_limits);
  rateLimiter.start();
  let keys: ReturnType<typeof loadSigningKeys> | undefined;
  return {
    ...{ config, logger, metrics, db, bus, rateLimiter },
    signingKeys: () => (keys ??= loadSigningKeys(config)),
    async close() {
      rateLimiter.stop();
      await bus.close();
      await db.close();
      await telemetry.shutdown();
    },
  };
}

function startTelemetry({ telemetry: { log, traces } }: Config, service: string): Promise<Telemetry> {
  return createTelemetry({
    service,
    instance: randomUUID(),
    version: VERSION,
    log: { level: log.level, format: log.format === 'text' ? 'pretty' : 'json' },
    traces: {
      ...(traces.otlp_endpoint !== undefined && { otlpEndpoint: traces.otlp_endpoint }),
      sampleRatio: traces.sample_ratio,
    },
  });
}

/** @throws Error when the configuration names no database that could be connected to */
export function openDatabase(
  { database }: Config,
  service: string,
  observers: { logger: Logger; metrics: Metrics } | object = {},
): Promise<Database> {
  if (database.url === undefined) throw new Error('the embedded PostgreSQL is not running: this is a mistake of ours');
  return Database.connect({
    url: database.url,
    readUrls: database.read_urls ?? [],
    readMaxLagMs: database.read_max_lag_ms,
    max: database.pool_size,
    applicationName: `ganglion ${service}`,
    slowStatementMs: database.slow_statement_ms,
    statementTimeoutMs: database.statement_timeout_ms,
    lockTimeoutMs: database.lock_timeout_ms,
    ...observers,
  });
}

async function openBus({ bus }: Config, service: string, { logger, metrics }: { logger: Logger; metrics: Metrics }) {
  const common = { logger, metrics: prometheusBusMetrics(metrics) };
  if (bus.kind === 'embedded') return createEmbeddedBus(common);
  const { connectJetStreamBus } = await import('@ganglion/bus/jetstream');
  const { ca_file, cert_file, key_file } = bus.tls ?? {};
  return connectJetStreamBus({
    ...common,
    servers: bus.servers,
    name: `ganglion ${service}`,
    replicas: bus.replicas,
    ...(bus.credentials_file !== undefined && { credentialsFile: bus.credentials_file }),
    ...(bus.tls !== undefined && {
      tls: {
        ...(ca_file !== undefined && { caFile: ca_file }),
        ...(cert_file !== undefined && { certFile: cert_file }),
        ...(key_file !== undefined && { keyFile: key_file }),
      },
    }),
  });
}
