import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../launcher/paths.mjs';

/**
 * Starts the PostgreSQL that all tests share, and makes sure that there is a nats-server for those that start one.
 *
 * @throws Error that says what to install
 */
export async function prepare() {
  const testing = await import(pathToFileURL(join(ROOT, 'libs/testing/dist/index.js')).href);
  const nats = await testing.startNatsServer();
  await nats.close();
  const postgres = await testing.startTestPostgres();
  const env = { ...process.env, NODE_NO_WARNINGS: '1', GANGLION_TEST_POSTGRES: postgres.url };
  return { env, stop: () => postgres.stop() };
}
