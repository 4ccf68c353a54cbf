export type { Foundation, Interfaces } from './foundation.js';
export { Gatherer } from './gatherer.js';
export { Periodically } from './periodically.js';
export type { ComposedService, Part, ServiceDescriptor } from './service-descriptor.js';
