import type { Config } from '@ganglion/config';
import { checkSchema, type Database, migrate, type SchemaDefinition } from '@ganglion/database';
import { rateLimitSchema } from '@ganglion/http';
import { pushSchema } from '@ganglion/push';
import { roomServerSchema } from '@ganglion/room-server';
import { syncSchema } from '@ganglion/sync';
import { userServerSchema } from '@ganglion/user-server';
import { openDatabase } from './foundation.js';

const SCHEMAS: readonly SchemaDefinition[] = [
  rateLimitSchema,
  userServerSchema,
  roomServerSchema,
  syncSchema,
  pushSchema,
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
