export { spawnTypeScript, type TestProcess } from './child-process.js';
export { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';
export { startTestPostgres, type TestDatabase, type TestPostgres, testDatabase } from './postgres.js';
