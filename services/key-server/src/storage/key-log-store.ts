import type { KeyChange, KeyHead } from '@ganglion/contracts/keys';
import { type Database, logCursor, type MarkColumn, sql, statement } from '@ganglion/database';

export const KEY_MARKS = {
  table: 'key_server.users',
  column: 'updated_xid',
  type: 'xid8',
} as const satisfies MarkColumn;

interface HeadRow extends Record<string, unknown> {
  cursor: number;
  user_id: string | null;
  seq: number | null;
}

/** Users by the transaction that changed their keys last. */
const listHeads = statement(
  'key-heads',
  sql<{ since: number; afterUser: string; limit: number }>`
  WITH log AS MATERIALIZED (${logCursor(KEY_MARKS.type, (page) => page.since)})
  SELECT log.cursor, head.user_id, head.seq
  FROM log LEFT JOIN LATERAL (
    SELECT user_id, seq FROM key_server.users
    WHERE updated_xid >= (SELECT since FROM log) AND user_id > ${(page) => page.afterUser}
    ORDER BY user_id LIMIT ${(page) => page.limit}) head ON true
  ORDER BY head.user_id`,
);

const CHANGES = `
  SELECT u.seq, u.list_seq > $2 AS list_changed, ARRAY(
    SELECT s.signed_user_id FROM key_server.user_signatures s WHERE s.user_id = $1 AND s.seq > $2) AS signed
  FROM key_server.users u WHERE u.user_id = $1 AND u.seq > $2`;

/** What consumers catch up from. */
export class KeyLogStore {
  constructor(private readonly db: Database) {}

  async heads(since: number, afterUser: string, limit: number): Promise<{ cursor: number; heads: KeyHead[] }> {
    const { rows } = await this.db.query<HeadRow>(listHeads({ since, afterUser, limit }));
    const heads = rows.flatMap(({ user_id, seq }) =>
      user_id === null || seq === null ? [] : [{ userId: user_id, seq }],
    );
    return { cursor: rows[0]?.cursor ?? 0, heads };
  }

  /** What changed of a user after a number, as one change. */
  async changes(userId: string, afterSeq: number): Promise<KeyChange | undefined> {
    const { rows } = await this.db.query<{ seq: number; list_changed: boolean; signed: string[] }>({
      name: 'key-changes',
      text: CHANGES,
      values: [userId, afterSeq],
    });
    const [row] = rows;
    return row && { userId, seq: row.seq, listChanged: row.list_changed, signedUserIds: row.signed };
  }
}
