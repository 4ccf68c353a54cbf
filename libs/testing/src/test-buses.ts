import { type Bus, createEmbeddedBus } from '@ganglion/bus';
import { connectJetStreamBus } from '@ganglion/bus/jetstream';
import { startNatsServer } from './nats-server.js';

/** A bus of some kind, shared by everything that a test file runs. */
export interface TestBus {
  readonly bus: Bus;
  close(): Promise<void>;
}

async function embedded(): Promise<TestBus> {
  const bus = createEmbeddedBus();
  return { bus, close: () => bus.close() };
}

async function jetstream(): Promise<TestBus> {
  const nats = await startNatsServer();
  const bus = await connectJetStreamBus({ servers: [nats.url] });
  return {
    bus,
    async close() {
      await bus.close();
      await nats.close();
    },
  };
}

/** Both kinds of bus, for tests that must hold on each. */
export const BUSES = [
  ['embedded', embedded],
  ['jetstream', jetstream],
] as const;
