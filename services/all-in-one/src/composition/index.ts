export { migrateAll } from './migrate.js';
export { startServices } from './start-services.js';
