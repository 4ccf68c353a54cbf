export * from './bus.js';
export * from './codec.js';
export { createEmbeddedBus, type EmbeddedBusOptions } from './embedded/embedded-bus.js';
export { BusClosedError, BusUnavailableError, MessageTooLargeError, PoisonError } from './errors.js';
export type { BusMetrics } from './metrics.js';
export type { BusLogger, BusOptions } from './options.js';
export { prometheusBusMetrics } from './prometheus.js';
