import { type Database, nameRank } from '@ganglion/database';
import type { FoundUser, SearchPage, UserDirectoryStore } from '../domain/ports.js';

/** The value of a field that is a text, which is stored as JSON. */
const field = (name: string) => `(
  SELECT f.value::jsonb #>> '{}' FROM user_server.profile_fields f WHERE f.user_id = a.user_id AND f.name = '${name}')`;

const SEARCH = `
  WITH people AS (
    SELECT a.user_id, ${field('displayname')} AS name, lower(a.user_id) AS lower_id, lower($1) AS wanted
    FROM user_server.accounts a
    WHERE a.deactivated_at IS NULL AND NOT a.guest AND ($4::text[] IS NULL OR a.user_id = ANY($4))
  ), found AS (
    SELECT *, lower(coalesce(name, '')) AS lower_name FROM people
    WHERE strpos(lower_id, wanted) > 0 OR strpos(lower(coalesce(name, '')), wanted) > 0
  )
  SELECT a.user_id AS "userId", a.name AS "displayName", ${field('avatar_url')} AS "avatarUrl",
    ${nameRank('wanted', 'lower_name', 'lower_id')} AS rank
  FROM found a ORDER BY rank, name IS NULL, user_id
  LIMIT $2 OFFSET $3`;

/** Looks for users by their ids and names. */
export class PostgresUserDirectoryStore implements UserDirectoryStore {
  constructor(private readonly db: Database) {}

  async search(text: string, { limit, offset, among }: SearchPage): Promise<FoundUser[]> {
    type Row = { userId: string; displayName: string | null; avatarUrl: string | null; rank: number };
    const values = [text, limit, offset, among ?? null];
    const { rows } = await this.db.query<Row>({ name: 'search-user-directory', text: SEARCH, values });
    return rows.map(({ displayName, avatarUrl, ...row }) => ({
      ...{ ...row, displayName: displayName ?? undefined, avatarUrl: avatarUrl ?? undefined },
    }));
  }
}
