export type { Foundation, Interfaces } from './foundation.js';
export { Gatherer } from './gatherer.js';
export { OutboxPublisher, type WholeOutbox } from './outbox/outbox-publisher.js';
export { type Outbox, type OutboxStore, OutboxSweeper } from './outbox/outbox-sweeper.js';
export { publishFitting } from './outbox/publish-fitting.js';
export { Periodically } from './periodically.js';
export type { ComposedService, Part, ServiceDescriptor } from './service-descriptor.js';
