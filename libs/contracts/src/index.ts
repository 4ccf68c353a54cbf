export * from './account-moderation.js';
export * from './coalescer.js';
export * from './erasure.js';
export * from './matrix-error.js';
export * from './parts.js';
export * from './rate-limit.js';
export * from './retry-on-change.js';
export * from './streams.js';
