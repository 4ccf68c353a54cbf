import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../launcher/paths.mjs';

/** Starts what all tests share, and makes sure of what they start themselves. */
export async function prepare() {
  const testing = await import(pathToFileURL(join(ROOT, 'libs/testing/dist/index.js')).href);
  const natsServer = await testing.natsServerPath();
  const postgres = await testing.startTestPostgres();
  const env = {
    ...process.env,
    NODE_NO_WARNINGS: '1',
    GANGLION_TEST_POSTGRES: postgres.url,
    GANGLION_TEST_NATS_SERVER: natsServer,
  };
  return { env, stop: () => postgres.stop() };
}
