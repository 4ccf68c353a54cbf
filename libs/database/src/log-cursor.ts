import type { Database } from './database.js';
import { type Fragment, raw, sql } from './sql.js';

/**
 * How an owner's log is followed: each row bears the number of the transaction that changed it last, its mark, and consumers
 * ask what has changed since a cursor. A mark is an `xid8`, as PostgreSQL gives it, or a `bigint`, which can have a BRIN index:
 * with that, rows are updated within their page.
 */
type MarkType = 'xid8' | 'bigint';

const inType = (type: MarkType, xid8: string): string => (type === 'xid8' ? xid8 : `${xid8}::text::bigint`);

/** The mark that a transaction leaves on what it changes. */
export function currentMark(type: MarkType): Fragment<unknown> {
  return raw(inType(type, 'pg_current_xact_id()'));
}

/**
 * One row (cursor, since), to be read `AS MATERIALIZED` by the statement that lists what has changed: rows whose mark is at or
 * after `since`. `cursor`, a bigint, is where the next listing begins: the oldest transaction that may still run, read in
 * the statement's own snapshot, so whatever commits later is at or after it.
 *
 * A cursor from the future comes from before the database was restored elsewhere, where transactions have lower numbers. It
 * tells nothing there, so since is 0 and everything is listed.
 */
export function logCursor<Input>(type: MarkType, given: (input: Input) => number): Fragment<Input> {
  return sql<Input>`
    SELECT pg_snapshot_xmin(now)::text::bigint AS cursor, ${raw(type === 'xid8' ? 'since::text::xid8' : 'since')} AS since
    FROM (
      SELECT now, CASE WHEN given BETWEEN 0 AND pg_snapshot_xmax(now)::text::bigint THEN given ELSE 0 END AS since
      FROM (SELECT pg_current_snapshot() AS now, ${given}::bigint AS given) AS asked) AS valid`;
}

/** Where the marks of a log are. */
export interface MarkColumn {
  readonly table: string;
  readonly column: string;
  readonly type: MarkType;
}

const AT_ONCE = 10_000;

/**
 * Marks anew what bears marks from the future, which a restored database is full of: for every cursor it would be listed, until
 * the numbers have caught up. So each consumer hears of these rows once more. To be called when the owner starts. A row that
 * somebody is changing gets its mark from them.
 */
export async function markAnew(db: Database, { table, column, type }: MarkColumn): Promise<void> {
  const text = `UPDATE ${table} SET ${column} = ${inType(type, 'pg_current_xact_id()')} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${table}
      WHERE ${column} >= (SELECT ${inType(type, 'pg_snapshot_xmax(pg_current_snapshot())')})
      LIMIT ${AT_ONCE} FOR NO KEY UPDATE SKIP LOCKED))`;
  let marked = 0;
  for (let more = true; more; ) {
    const { rowCount } = await db.query({ text });
    marked += rowCount ?? 0;
    more = rowCount === AT_ONCE;
  }
  if (marked > 0) db.logger?.warn({ table, rows: marked }, 'this database was restored; its log is told once more');
}
