import type { Config } from '@ganglion/config';
import { checkSchema, type Database, migrate, type SchemaDefinition } from '@ganglion/database';
import { rateLimitSchema } from '@ganglion/http';
import { openDatabase } from './foundation.js';
import { SERVICES } from './services.js';

/** Of every service, wherever it runs, and of what the HTTP sides of all of them share. */
export const SCHEMAS: readonly SchemaDefinition[] = [
  rateLimitSchema,
  ...SERVICES.flatMap(({ schema }) => schema ?? []),
];

/** Brings the schema of every service up to date. Any number of processes may do it at once: one does, the others wait. */
export async function migrateAll(config: Config): Promise<void> {
  const db = await openDatabase(config, 'migrate');
  try {
    for (const schema of SCHEMAS) await migrate(db, schema);
  } finally {
    await db.close();
  }
}

/** @throws SchemaError when this program and the database do not fit together */
export async function checkSchemas(db: Database): Promise<void> {
  for (const schema of SCHEMAS) await checkSchema(db, schema);
}
