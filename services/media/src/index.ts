export type { Moved } from './domain/upkeep/move.js';
export type { Discrepancy } from './domain/upkeep/verify.js';
export { service } from './service.js';
export { moveMedia, verifyMedia } from './upkeep.js';
