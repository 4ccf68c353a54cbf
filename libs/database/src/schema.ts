import type { Database } from './database.js';
import { ensureMeta } from './meta.js';
import type { Queryable } from './statement.js';

/** One step of a schema's history. Steps only expand; what they make useless is dropped a release later. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** The oldest program (by the schema version it knows) that still works after this step, when it moves. */
  readonly oldestCompatible?: number;
  /** SQL, any number of statements; runs in one transaction with the schema first on the search path. */
  readonly up: string;
}

export interface SchemaDefinition {
  /** The Postgres schema that one service owns. */
  readonly schema: string;
  /** The version that this program knows: that of its last migration. */
  readonly version: number;
  /** The oldest program that still works with the schema as this program makes it. */
  readonly oldestCompatible: number;
  readonly migrations: readonly Migration[];
}

export interface SchemaState {
  /** 0 when nothing was ever migrated. */
  readonly version: number;
  readonly oldestCompatible: number;
}

/** The schema in the database and this program do not fit together. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/**
 * Makes sure that this program can work with the schema as it is. A newer schema is accepted as long as it says that it
 * works with programs of our version: that is what a rolling upgrade looks like from the older replica.
 *
 * @throws SchemaError with what to do about it
 */
export async function checkSchema(db: Database, definition: SchemaDefinition): Promise<SchemaState> {
  validateDefinition(definition);
  await ensureMeta(db);
  const { schema, version } = definition;
  const state = await schemaState(db, schema);
  if (state.version < version) {
    throw new SchemaError(
      `the database schema ${schema} is at version ${state.version}, this program needs version ${version}: ` +
        'run `ganglion migrate` first',
    );
  }
  if (state.oldestCompatible > version) {
    throw new SchemaError(
      `the database schema ${schema} is at version ${state.version} and works with programs that know version ` +
        `${state.oldestCompatible} or later, this program knows version ${version}: upgrade Ganglion`,
    );
  }
  return state;
}

/** The state of a schema as it is recorded. */
export async function schemaState(db: Queryable, schema: string): Promise<SchemaState> {
  const { rows } = await db.query<{ version: number; oldest_compatible: number }>({
    text: 'SELECT version, oldest_compatible FROM ganglion_meta.schema_versions WHERE schema = $1',
    values: [schema],
  });
  const row = rows[0];
  return { version: row?.version ?? 0, oldestCompatible: row?.oldest_compatible ?? 0 };
}

/** @throws Error when a definition contradicts itself: a mistake in the program */
export function validateDefinition({ schema, version, oldestCompatible, migrations }: SchemaDefinition): void {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(schema)) throw new Error(`${schema} is no name for a schema`);
  migrations.forEach((migration, index) => {
    if (migration.version !== index + 1) throw new Error(`schema ${schema}: migration ${index + 1} is missing`);
  });
  if (migrations.length !== version)
    throw new Error(`schema ${schema}: version ${version} is not the last migration's`);
  if (oldestCompatible > version) throw new Error(`schema ${schema} would not work with the program that makes it`);
}
