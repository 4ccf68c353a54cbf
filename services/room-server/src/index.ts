export type { SigningKeys } from './domain/event-builder.js';
export { createRoomServer, type RoomServer, type RoomServerDependencies } from './room-server.js';
export { roomServerSchema } from './storage/migrations.js';
