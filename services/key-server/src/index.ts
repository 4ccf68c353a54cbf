export { createKeyServer, type KeyServer, type KeyServerDependencies } from './key-server.js';
export { keyServerModule } from './key-server.module.js';
export { keyServerSchema } from './storage/migrations.js';
