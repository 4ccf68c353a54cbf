import type { UserHead } from '@ganglion/contracts/user';
import { type Database, logCursor, type MarkColumn, sql, statement } from '@ganglion/database';

export const USER_MARKS = {
  table: 'user_server.accounts',
  column: 'updated_xid',
  type: 'xid8',
} as const satisfies MarkColumn;

interface HeadRow extends Record<string, unknown> {
  cursor: number;
  user_id: string | null;
  user_seq: number | null;
}

/** Users by the transaction that changed them last. */
const listHeads = statement(
  'user-heads',
  sql<{ since: number; afterUser: string; limit: number }>`
  WITH log AS MATERIALIZED (${logCursor(USER_MARKS.type, (page) => page.since)})
  SELECT log.cursor, head.user_id, head.user_seq
  FROM log LEFT JOIN LATERAL (
    SELECT user_id, user_seq FROM user_server.accounts
    WHERE updated_xid >= (SELECT since FROM log) AND user_id > ${(page) => page.afterUser}
    ORDER BY user_id LIMIT ${(page) => page.limit}) head ON true
  ORDER BY head.user_id`,
);

interface ChangeRow extends Record<string, unknown> {
  userSeq: number;
  roomId: string;
  type: string;
  content: string;
  /** How many there are, up to one more than asked for. */
  found: number;
}

const CHANGES = `
  SELECT user_seq AS "userSeq", room_id AS "roomId", type, content, found FROM (
    SELECT page.*, count(*) OVER () AS found, row_number() OVER (ORDER BY user_seq) AS place,
      sum(octet_length(content)) OVER (ORDER BY user_seq) - octet_length(content) AS bytes_before
    FROM (
      SELECT user_seq, room_id, type, content FROM user_server.account_data
      WHERE user_id = $1 AND user_seq > $2 ORDER BY user_seq LIMIT $3 + 1) page) sized
  WHERE place <= $3 AND bytes_before < $4 ORDER BY user_seq`;

/** What consumers catch up from. */
export class UserLogStore {
  constructor(private readonly db: Database) {}

  async heads(since: number, afterUser: string, limit: number): Promise<{ cursor: number; heads: UserHead[] }> {
    const { rows } = await this.db.query<HeadRow>(listHeads({ since, afterUser, limit }));
    const heads = rows.flatMap(({ user_id, user_seq }) =>
      user_id === null || user_seq === null ? [] : [{ userId: user_id, userSeq: user_seq }],
    );
    return { cursor: rows[0]?.cursor ?? 0, heads };
  }

  /**
   * The latest content of what changed after a number, in the order of the changes, as far as it fits; at least one change
   * does, however large it is.
   */
  async changes(userId: string, afterSeq: number, { limit, bytes }: { limit: number; bytes: number }) {
    const { rows } = await this.db.query<ChangeRow>({
      name: 'user-changes',
      text: CHANGES,
      values: [userId, afterSeq, limit, bytes],
    });
    return { changes: rows, more: (rows[0]?.found ?? 0) > rows.length };
  }
}
