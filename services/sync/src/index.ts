export { syncSchema } from './storage/migrations.js';
export { syncModule } from './sync.module.js';
export { createSyncServer, type SyncServer, type SyncServerDependencies } from './sync-server.js';
