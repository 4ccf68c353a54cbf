export * from './gen/ganglion/room/v1/rooms.js';
