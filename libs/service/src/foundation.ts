import type { Bus } from '@ganglion/bus';
import type { Config } from '@ganglion/config';
import type { RefundingRateLimiter } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import type { SigningKey } from '@ganglion/protocol';
import type { ServiceDefinition } from '@ganglion/rpc';
import type { Logger, Metrics } from '@ganglion/telemetry';

/** What every service of a process stands on. */
export interface Foundation {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly db: Database;
  readonly bus: Bus;
  readonly rateLimiter: RefundingRateLimiter;
  /**
   * The signing key of each server name that is ours. Read from their files when it is first asked for.
   *
   * @throws Error when a file is missing or holds something else
   */
  signingKeys(): Promise<ReadonlyMap<string, SigningKey>>;
}

/** What a service may ask of the others, wherever they run. */
export interface Interfaces {
  /**
   * The interface of a contract: the service itself when it is in this process, and a gRPC client otherwise. It may be
   * called as soon as the services have started, and services may find each other in a circle.
   *
   * @throws Error when no service offers it, or the configuration does not say where that service is
   */
  find<T extends object>(definition: ServiceDefinition): Promise<T>;
}
