/**
 * Ganglion as it will be some releases later, as far as the database can tell: the program of today with further steps of
 * every schema. Arguments: how many releases later, then those of `ganglion`.
 *
 * The next release gives every table one more column and adds a table. The one after it counts on that, and works with
 * no program that does not know it.
 */
import type { Migration, SchemaDefinition } from '@ganglion/database';

/** More than any schema has. */
const MOST_TABLES = 40;
const PROGRAM = new URL('../../../../services/all-in-one/dist/', import.meta.url);

type Step = Omit<Migration, 'version'>;

/** Each table in a step of its own, so that nobody waits for more than one. */
function expanding(schema: string): Step[] {
  const tables = `SELECT oid::regclass AS name FROM pg_class
    WHERE relnamespace = '${schema}'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`;
  const column = (place: number) => `
    DO $$ DECLARE found regclass; BEGIN
      SELECT name INTO found FROM (${tables}) AS t ORDER BY name::text OFFSET ${place} LIMIT 1;
      IF found IS NOT NULL THEN EXECUTE format('ALTER TABLE %s ADD COLUMN of_next_release text', found); END IF;
    END $$`;
  return [
    ...Array.from({ length: MOST_TABLES }, (_, place) => ({ name: `column_${place}`, up: column(place) })),
    { name: 'table', up: `CREATE TABLE ${schema}.of_next_release (nid bigint PRIMARY KEY)` },
  ];
}

function extend(definition: SchemaDefinition, steps: readonly Step[], oldestCompatible: number): void {
  const { version, migrations } = definition;
  const later = steps.map((step, index) => ({ ...step, version: version + 1 + index }));
  Object.assign(definition, {
    version: version + steps.length,
    oldestCompatible,
    migrations: [...migrations, ...later],
  });
}

const releases = Number(process.argv.splice(2, 1)[0]);
const { SCHEMAS }: { SCHEMAS: readonly SchemaDefinition[] } = await import(
  new URL('composition/index.js', PROGRAM).href
);
for (const definition of SCHEMAS) {
  extend(definition, expanding(definition.schema), definition.oldestCompatible);
  if (releases < 2) continue;
  extend(definition, [{ name: 'contracted', up: 'SELECT 1' }], definition.version);
}
await import(new URL('cli/main.js', PROGRAM).href);
