import { join } from 'node:path';
import type { Config } from '@ganglion/config';
import { startEmbeddedPostgres } from '@ganglion/embedded-postgres';

export interface OpenedDatabase {
  /** With `database.url` set, whatever kind of database it is. */
  readonly config: Config;
  close(): Promise<void>;
}

/**
 * Starts PostgreSQL when the configuration asks for the embedded one.
 *
 * @throws Error with what PostgreSQL said when it does not start
 */
export async function openDatabase(config: Config): Promise<OpenedDatabase> {
  const { embedded, ...database } = config.database;
  if (embedded === undefined) return { config, close: async () => {} };
  const server = await startEmbeddedPostgres({
    dataDir: embedded.data_dir ?? join(config.data_dir, 'postgres'),
    ...(embedded.port === undefined ? {} : { port: embedded.port }),
    onLog: (line) => process.stderr.write(`postgres: ${line}\n`),
  });
  return { config: { ...config, database: { ...database, url: server.url } }, close: () => server.stop() };
}
