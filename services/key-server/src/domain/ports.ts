export * from './ports/backup-store.js';
export * from './ports/key-store.js';
export * from './ports/one-time-key-store.js';
export * from './ports/remote-lists.js';
export * from './ports/surroundings.js';
