export * from './gen/ganglion/keys/v1/keys.js';
