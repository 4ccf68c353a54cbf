import { join } from 'node:path';
import type { Config } from '@ganglion/config';
import { runningPostgresUrl, startEmbeddedPostgres } from '@ganglion/embedded-postgres';

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
  if (config.database.embedded === undefined) return { config, close: async () => {} };
  const server = await startEmbeddedPostgres(optionsOf(config, config.database.embedded));
  return { config: withUrl(config, server.url), close: () => server.stop() };
}

/** The same for who works beside a server that may be running: its PostgreSQL is used, and stays. */
export async function joinDatabase(config: Config): Promise<OpenedDatabase> {
  const { embedded } = config.database;
  const url = embedded && (await runningPostgresUrl(optionsOf(config, embedded)));
  return url === undefined ? openDatabase(config) : { config: withUrl(config, url), close: async () => {} };
}

function optionsOf(config: Config, { data_dir, port }: NonNullable<Config['database']['embedded']>) {
  return {
    dataDir: data_dir ?? join(config.data_dir, 'postgres'),
    ...(port === undefined ? {} : { port }),
    onLog: (line: string) => process.stderr.write(`postgres: ${line}\n`),
  };
}

function withUrl(config: Config, url: string): Config {
  const { embedded: _, ...database } = config.database;
  return { ...config, database: { ...database, url } };
}
