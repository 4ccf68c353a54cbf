export { clientApiModule } from './client-api.module.js';
export type { Owners } from './domain/ports.js';
