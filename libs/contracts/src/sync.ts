export * from './gen/ganglion/sync/v1/sync.js';
