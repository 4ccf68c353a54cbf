import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { BusEnvironment } from '../options.js';
import type { Connection } from './connection.js';
import type { Naming } from './naming.js';
import type { StreamRegistry } from './stream-registry.js';

/** What the parts of the JetStream adapter share. */
export interface JetStreamCore {
  readonly connection: Connection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly registry: StreamRegistry;
  readonly naming: Naming;
  readonly env: BusEnvironment;
}
