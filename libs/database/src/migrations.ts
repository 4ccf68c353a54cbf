import type { Database } from './database.js';
import { ensureMeta, STRUCTURE_LOCK } from './meta.js';
import { checkSchema, type Migration, type SchemaDefinition, schemaState, validateDefinition } from './schema.js';
import { type Transaction, UNLIMITED } from './transaction.js';

/**
 * Brings a schema up to the version that this program knows. Each migration is one transaction under one lock, so any
 * number of processes may call this at once: one does the work, the others wait and find it done.
 *
 * @throws SchemaError when the database is newer than this program can work with
 * @throws Error when a migration fails; those before it are kept, it leaves nothing behind
 */
export async function migrate(db: Database, definition: SchemaDefinition): Promise<void> {
  validateDefinition(definition);
  await ensureMeta(db);
  const { version: current } = await schemaState(db, definition.schema);
  for (const migration of definition.migrations) {
    if (migration.version > current) await runMigration(db, definition, migration);
  }
  await checkSchema(db, definition);
}

async function runMigration(db: Database, definition: SchemaDefinition, migration: Migration): Promise<void> {
  const { schema } = definition;
  const { version, name } = migration;
  const start = performance.now();
  const done = await db.transaction(async (tx) => {
    await tx.query({ text: STRUCTURE_LOCK });
    const before = await schemaState(tx, schema);
    if (before.version >= version) return false;
    await applyMigration(tx, schema, migration).catch((error: unknown) => {
      throw new Error(`migration ${version} (${name}) of schema ${schema} failed`, { cause: error });
    });
    const oldest = Math.max(before.oldestCompatible, oldestAfter(definition, migration));
    await record(tx, schema, migration, oldest, performance.now() - start);
    return true;
  }, UNLIMITED);
  if (done) db.logger?.info({ schema, version, name, ms: Math.round(performance.now() - start) }, 'schema migrated');
}

async function applyMigration(tx: Transaction, schema: string, { up }: Migration): Promise<void> {
  await tx.query({ text: `CREATE SCHEMA IF NOT EXISTS "${schema}"` });
  await tx.query({ text: `SET LOCAL search_path TO "${schema}", public` });
  await tx.query({ text: up });
}

function oldestAfter(definition: SchemaDefinition, migration: Migration): number {
  const last = migration.version === definition.version;
  return Math.max(migration.oldestCompatible ?? 1, last ? definition.oldestCompatible : 1);
}

async function record(
  tx: Transaction,
  schema: string,
  { version, name }: Migration,
  oldestCompatible: number,
  ms: number,
): Promise<void> {
  await tx.query({
    text: `INSERT INTO ganglion_meta.schema_versions (schema, version, oldest_compatible) VALUES ($1, $2, $3)
           ON CONFLICT (schema) DO UPDATE SET version = excluded.version,
             oldest_compatible = excluded.oldest_compatible, migrated_at = now()`,
    values: [schema, version, oldestCompatible],
  });
  await tx.query({
    text: 'INSERT INTO ganglion_meta.schema_history (schema, version, name, milliseconds) VALUES ($1, $2, $3, $4)',
    values: [schema, version, name, Math.round(ms)],
  });
}
