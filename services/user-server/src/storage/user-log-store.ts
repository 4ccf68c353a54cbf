import type { UserHead } from '@ganglion/contracts/user';
import type { Database } from '@ganglion/database';
import { and, asc, eq, gt } from 'drizzle-orm';
import { accountData } from './schema.js';

interface HeadRow extends Record<string, unknown> {
  cursor: number;
  user_id: string | null;
  user_seq: number | null;
}

/**
 * Users by the transaction that changed them last. The cursor is the oldest transaction that may still run, read in the
 * statement's own snapshot: whatever commits later is at or after it. A cursor from the future comes from a database
 * that was restored since, so everything is listed.
 */
const HEADS = `
  WITH now AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot()) AS oldest,
      CASE WHEN $1::text::xid8 > pg_snapshot_xmax(pg_current_snapshot()) THEN '0'::xid8 ELSE $1::text::xid8 END AS since)
  SELECT now.oldest::text::bigint AS cursor, head.user_id, head.user_seq
  FROM now LEFT JOIN LATERAL (
    SELECT user_id, user_seq FROM user_server.accounts
    WHERE updated_xid >= (SELECT since FROM now) AND user_id > $2
    ORDER BY user_id LIMIT $3) head ON true
  ORDER BY head.user_id`;

/** What consumers catch up from. */
export class UserLogStore {
  constructor(private readonly db: Database) {}

  async heads(since: number, afterUser: string, limit: number): Promise<{ cursor: number; heads: UserHead[] }> {
    const { rows } = await this.db.query<HeadRow>({
      name: 'user-heads',
      text: HEADS,
      values: [String(since), afterUser, limit],
    });
    const heads = rows.flatMap(({ user_id, user_seq }) =>
      user_id === null || user_seq === null ? [] : [{ userId: user_id, userSeq: user_seq }],
    );
    return { cursor: rows[0]?.cursor ?? 0, heads };
  }

  /** The latest content of everything that changed after a number, in the order of the changes. */
  changes(userId: string, afterSeq: number) {
    return this.db.drizzle
      .select()
      .from(accountData)
      .where(and(eq(accountData.userId, userId), gt(accountData.userSeq, afterSeq)))
      .orderBy(asc(accountData.userSeq));
  }
}
