export { Random } from './random.js';
export { type RandomEvent, type RandomRoom, type RandomRoomOptions, randomRoom } from './random-room.js';
export { type Claims, RoomWriter, type RoomWriterOptions, type SigningKeys, type WrittenEvent } from './room-writer.js';
