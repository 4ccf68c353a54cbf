export type { RoomPorts } from './publish/room-updater.js';
export { userServerSchema } from './storage/migrations.js';
export { createUserServer, type UserServer, type UserServerDependencies } from './user-server.js';
export { userServerModule } from './user-server.module.js';
