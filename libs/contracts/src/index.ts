export * from './matrix-error.js';
export * from './streams.js';
