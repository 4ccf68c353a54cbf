export * from './gen/ganglion/user/v1/users.js';
