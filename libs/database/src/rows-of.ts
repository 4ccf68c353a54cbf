import { type ColumnType, type ColumnValues, columnLiteral } from './array-literal.js';
import type { Fragment } from './sql.js';

type Columns = Readonly<Record<string, ColumnType>>;

/** An object with a value for each column; null or undefined is NULL. */
export type RowOf<C extends Columns> = { readonly [Name in keyof C]: ColumnValues[C[Name]] | null | undefined };

/**
 * Any number of rows as `SELECT … FROM unnest(…) AS alias(…)`, one parameter a column:
 *
 *     sql<Page>`WITH seen AS (${rowsOf('s', { user_id: 'text', seen_ms: 'float8' }, (page) => page.sightings)}) …`
 *
 * What follows may join the alias. The input's rows are objects whose keys are the columns; more keys do no harm. Names of
 * columns and the alias go into the text as they are, so they must come from the program.
 */
export function rowsOf<Input, const C extends Columns>(
  alias: string,
  columns: C,
  rows: (input: Input) => readonly RowOf<C>[],
): Fragment<Input> {
  const entries = Object.entries(columns);
  const names = entries.map(([name]) => name).join(', ');
  const selected = entries.map(([name, type]) => `${alias}.${name}${isArray(type) ? `::${type} AS ${name}` : ''}`);
  const fill = (input: Input, values: unknown[]) => {
    const given = rows(input);
    for (const [name, type] of entries) values.push(columnLiteral(given, name, type));
  };
  const fragment: Fragment<Input> = {
    write(draft) {
      const first = draft.number(fragment, entries.length, fill);
      const arrays = entries.map(([, type], index) => `$${first + index}::${isArray(type) ? 'text' : type}[]`);
      return `SELECT ${selected.join(', ')} FROM unnest(${arrays.join(', ')}) AS ${alias}(${names})`;
    },
  };
  return fragment;
}

/** Arrays travel as texts: unnest would take an array of arrays apart down to the last item. */
function isArray(type: ColumnType): boolean {
  return type.endsWith('[]');
}
