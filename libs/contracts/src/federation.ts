export * from './gen/ganglion/federation/v1/federation.js';
