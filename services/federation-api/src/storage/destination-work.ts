import { rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import type { Route } from '../domain/ports/sending.js';

const noteWork = statement(
  'add-work-for-destinations',
  sql<readonly Route[]>`
  INSERT INTO federation_api.destinations AS d (server_name, origin, retry_at)
  SELECT given.*, now() - interval '1 minute' FROM (${rowsOf('r', { server_name: 'text', origin: 'text' }, (routes) =>
    routes.map(({ server, origin }) => ({ server_name: server, origin })),
  )}) AS given ORDER BY server_name COLLATE "C", origin COLLATE "C"
  ON CONFLICT (server_name, origin) DO UPDATE SET work = d.work + 1, has_work = true
  RETURNING server_name, origin, is_behind`,
);

/**
 * Makes sure that the destinations are looked at: no one can take their work for done before the transaction commits. Until then
 * nobody else queues anything for them, so that what is queued gets its numbers in the order in which it can be seen.
 *
 * @returns the keys of those that are behind
 */
export async function addWork(tx: Transaction, given: readonly Route[]): Promise<ReadonlySet<string>> {
  const routes = new Map(given.map((route) => [keyOf(route), route]));
  if (routes.size === 0) return new Set();
  const { rows } = await tx.query<{ server_name: string; origin: string; is_behind: boolean }>(
    noteWork([...routes.values()]),
  );
  const behind = rows.filter(({ is_behind }) => is_behind);
  return new Set(behind.map(({ server_name: server, origin }) => keyOf({ server, origin })));
}

export function keyOf({ server, origin }: Route): string {
  return `${server} ${origin}`;
}
