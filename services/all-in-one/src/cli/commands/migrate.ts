import { openDatabase } from '../../embedded-postgres.js';
import { type ConfigOption, loadCliConfig } from '../config-file.js';
import type { CliContext, Work } from '../context.js';

/** Brings the schema of every service up to date. */
export async function migrate(options: ConfigOption, context: CliContext, work: Work): Promise<void> {
  const database = await openDatabase(loadCliConfig(options, context).config);
  try {
    await work.migrateAll(database.config);
    context.out('The database is up to date.\n');
  } finally {
    await database.close();
  }
}
