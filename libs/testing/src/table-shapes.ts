import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';

interface Queryable {
  query<Row extends Record<string, string>>(statement: { text: string; values: unknown[] }): Promise<{ rows: Row[] }>;
}

/** Tables in words, so that what drizzle believes and what the database has can be compared. */
export interface TableShapes {
  readonly columns: string[];
  /** Primary keys. */
  readonly keys: string[];
}

/** What drizzle calls a type, as information_schema has it. */
const typeName = (type: string): string => (type.endsWith('[]') ? 'ARRAY' : type);

const inWords = (table: string, column: string, type: string, nullable: boolean, hasDefault: boolean): string =>
  `${table} ${column} ${type} ${nullable ? 'NULL' : 'NOT NULL'}${hasDefault ? ' DEFAULT' : ''}`;

/** The tables of a module as drizzle knows them. */
export function drizzleShapes(module: Readonly<Record<string, unknown>>): TableShapes {
  const tables = Object.values(module).map((table) => getTableConfig(table as PgTable));
  const columns = tables.flatMap(({ name, columns }) =>
    columns.map((column) => {
      const hasDefault = column.hasDefault || column.generatedIdentity !== undefined;
      return inWords(name, column.name, typeName(column.getSQLType()), !column.notNull, hasDefault);
    }),
  );
  const keys = tables.map(({ name, columns, primaryKeys }) => {
    const own = columns.filter(({ primary }) => primary).map((column) => column.name);
    return `${name} ${(primaryKeys[0]?.columns.map((column) => column.name) ?? own).join(',')}`;
  });
  return { columns: columns.sort(), keys: keys.sort() };
}

/** The tables of a schema as the database has them. */
export async function migratedShapes(db: Queryable, schema: string): Promise<TableShapes> {
  const columns = await db.query<Record<string, string>>({
    text: `SELECT table_name, column_name, data_type, is_nullable,
             CASE WHEN column_default IS NOT NULL OR is_identity = 'YES' THEN 'YES' ELSE 'NO' END AS has_default
           FROM information_schema.columns WHERE table_schema = $1`,
    values: [schema],
  });
  const keys = await db.query<{ key: string }>({
    text: `SELECT u.table_name || ' ' || string_agg(u.column_name, ',' ORDER BY u.ordinal_position) AS key
           FROM information_schema.key_column_usage u
           JOIN information_schema.table_constraints c USING (constraint_schema, constraint_name)
           WHERE c.table_schema = $1 AND c.constraint_type = 'PRIMARY KEY' GROUP BY u.table_name`,
    values: [schema],
  });
  return {
    columns: columns.rows
      .map((row) => {
        const [table = '', column = '', type = ''] = [row.table_name, row.column_name, row.data_type];
        return inWords(table, column, type, row.is_nullable === 'YES', row.has_default === 'YES');
      })
      .sort(),
    keys: keys.rows.map(({ key }) => key).sort(),
  };
}
