export { moveMediaOf, verifyMediaOf } from './media-upkeep.js';
export { migrateAll, SCHEMAS } from './migrate.js';
export { startServices } from './start-services.js';
