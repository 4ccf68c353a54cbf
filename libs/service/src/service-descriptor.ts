import type { ServiceName } from '@ganglion/config';
import type { SchemaDefinition } from '@ganglion/database';
import type { ServiceDefinition } from '@ganglion/rpc';
import type { DynamicModule } from '@nestjs/common';
import type { Foundation, Interfaces } from './foundation.js';

/**
 * All that has to be known of a service to run it. Each package below `services/` exports its own as `service`, and
 * `services/all-in-one/src/composition/services.ts` is the one list of them.
 */
export interface ServiceDescriptor {
  readonly name: ServiceName;
  /** Its tables, if it keeps anything. */
  readonly schema?: SchemaDefinition;
  /** The contracts that it fulfils for other services, by the names under which `compose` gives what fulfils them. */
  readonly offers: Readonly<Record<string, ServiceDefinition>>;
  /** Puts one replica together. What it needs of other services it finds in `interfaces`. */
  compose(foundation: Foundation, interfaces: Interfaces): Promise<ComposedService>;
}

/** One replica of a service, put together. */
export interface ComposedService {
  /** Its HTTP side. */
  readonly module?: DynamicModule;
  /** What it does in the background. */
  readonly part?: Part;
  /** What fulfils the contracts that its descriptor offers, each under the name that it has there. */
  readonly offers?: object;
}

/** Something that begins and ends with the process. */
export interface Part {
  start(): void | Promise<void>;
  stop(): Promise<void>;
}
