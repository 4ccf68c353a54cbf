import type { Database } from '@ganglion/database';
import type { DirectoryEntry, UserDirectoryStore } from '../domain/ports.js';

/** The value of a field that is a text, which is stored as JSON. */
const field = (name: string) => `(
  SELECT f.value::jsonb #>> '{}' FROM user_server.profile_fields f WHERE f.user_id = a.user_id AND f.name = '${name}')`;

/** The whole name or id comes first, then what begins so, then what has a word that does. */
const SEARCH = `
  WITH people AS (
    SELECT a.user_id, ${field('displayname')} AS name, lower(substr(a.user_id, 2)) AS id, lower($1) AS wanted
    FROM user_server.accounts a WHERE a.deactivated_at IS NULL AND NOT a.guest
  ), found AS (
    SELECT *, lower(coalesce(name, '')) AS lower_name FROM people
    WHERE strpos(lower(user_id), wanted) > 0 OR strpos(lower(coalesce(name, '')), wanted) > 0
  )
  SELECT a.user_id AS "userId", a.name AS "displayName", ${field('avatar_url')} AS "avatarUrl" FROM found a
  ORDER BY CASE
    WHEN wanted IN (lower_name, lower(user_id), id, split_part(id, ':', 1)) THEN 0
    WHEN strpos(lower_name, wanted) = 1 OR strpos(id, wanted) = 1 OR strpos(lower(user_id), wanted) = 1 THEN 1
    WHEN strpos(' ' || lower_name, ' ' || wanted) > 0 THEN 2
    ELSE 3 END, name IS NULL, user_id
  LIMIT $2 OFFSET $3`;

/** Looks for users by their ids and names. */
export class PostgresUserDirectoryStore implements UserDirectoryStore {
  constructor(private readonly db: Database) {}

  async search(text: string, { limit, offset }: { limit: number; offset: number }): Promise<DirectoryEntry[]> {
    type Row = { userId: string; displayName: string | null; avatarUrl: string | null };
    const values = [text, limit, offset];
    const { rows } = await this.db.query<Row>({ name: 'search-user-directory', text: SEARCH, values });
    return rows.map(({ userId, displayName, avatarUrl }) => ({
      ...{ userId, displayName: displayName ?? undefined, avatarUrl: avatarUrl ?? undefined },
    }));
  }
}
