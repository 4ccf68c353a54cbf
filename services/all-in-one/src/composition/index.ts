export { migrateAll, SCHEMAS } from './migrate.js';
export { startServices } from './start-services.js';
