export * from './errors.js';
export * from './events/pdu.js';
export * from './filter/index.js';
export * from './json/json-value.js';
export * from './push/index.js';
export * from './rooms/room-version.js';
export * from './rooms/state-map.js';
export * from './visibility/index.js';
