export { pushModule } from './push.module.js';
export { createPushServer, type PushServer, type PushServerDependencies } from './push-server.js';
export { pushSchema } from './storage/migrations.js';
