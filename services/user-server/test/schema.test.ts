import { Database, migrate } from '@ganglion/database';
import { type TestDatabase, testDatabase } from '@ganglion/testing';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import { userServerSchema } from '../src/index.js';
import * as tables from '../src/storage/schema.js';

let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await testDatabase();
  db = await Database.connect({ url: database.url, max: 2, applicationName: 'test', slowStatementMs: 10_000 });
  await migrate(db, userServerSchema);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

/** What drizzle calls a type, as information_schema has it. */
const TYPES: Record<string, string> = { 'text[]': 'ARRAY', xid8: 'xid8' };

function drizzleColumns(): string[] {
  return Object.values(tables).flatMap((table) => {
    const { name, columns } = getTableConfig(table as PgTable);
    return columns.map((column) => {
      const type = TYPES[column.getSQLType()] ?? column.getSQLType();
      return [
        name,
        column.name,
        type,
        column.notNull ? 'NOT NULL' : 'NULL',
        column.hasDefault || isIdentity(column),
      ].join(' ');
    });
  });
}

function isIdentity(column: { generatedIdentity?: unknown }): boolean {
  return column.generatedIdentity !== undefined;
}

function drizzleKeys(): string[] {
  return Object.values(tables).map((table) => {
    const { name, columns, primaryKeys } = getTableConfig(table as PgTable);
    const own = columns.filter(({ primary }) => primary).map((column) => column.name);
    return `${name} ${(primaryKeys[0]?.columns.map((column) => column.name) ?? own).join(',')}`;
  });
}

describe('the tables as drizzle knows them', () => {
  it('have the columns of the migrated database', async () => {
    const { rows } = await db.query<Record<string, string>>({
      text: `SELECT table_name, column_name, data_type, is_nullable,
               column_default IS NOT NULL OR is_identity = 'YES' AS has_default
             FROM information_schema.columns WHERE table_schema = 'user_server'`,
    });
    const columns = rows.map((row) => {
      const { table_name, column_name, data_type, is_nullable, has_default } = row;
      return [table_name, column_name, data_type, is_nullable === 'NO' ? 'NOT NULL' : 'NULL', has_default].join(' ');
    });
    expect(drizzleColumns().sort()).toEqual(columns.sort());
  });

  it('have its primary keys', async () => {
    const { rows } = await db.query<{ key: string }>({
      text: `SELECT u.table_name || ' ' || string_agg(u.column_name, ',' ORDER BY u.ordinal_position) AS key
             FROM information_schema.key_column_usage u
             JOIN information_schema.table_constraints c USING (constraint_schema, constraint_name)
             WHERE c.table_schema = 'user_server' AND c.constraint_type = 'PRIMARY KEY' GROUP BY u.table_name`,
    });
    expect(drizzleKeys().sort()).toEqual(rows.map(({ key }) => key).sort());
  });
});
