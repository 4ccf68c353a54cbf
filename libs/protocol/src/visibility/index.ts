export * from './event-visibility.js';
export * from './history-visibility.js';
