export { startTestPostgres, type TestDatabase, type TestPostgres, testDatabase } from './postgres.js';
