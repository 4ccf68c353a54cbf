export * from './bundled-aggregations.js';
export * from './relation.js';
export * from './replacement.js';
export * from './thread.js';
