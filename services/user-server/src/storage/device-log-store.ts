import { type Database, logCursor, type MarkColumn, sql, statement } from '@ganglion/database';

export const DEVICE_MARKS = {
  table: 'user_server.device_changes',
  column: 'changed_xid',
  type: 'xid8',
} as const satisfies MarkColumn;

/** Users by the transaction that last began, ended or renamed devices of theirs, or deactivated them. */
const listChanged = statement(
  'changed-devices',
  sql<{ since: number; afterUser: string; limit: number }>`
  WITH log AS MATERIALIZED (${logCursor(DEVICE_MARKS.type, (page) => page.since)})
  SELECT log.cursor, changed.user_id
  FROM log LEFT JOIN LATERAL (
    SELECT user_id FROM user_server.device_changes
    WHERE changed_xid >= (SELECT since FROM log) AND user_id > ${(page) => page.afterUser}
    ORDER BY user_id LIMIT ${(page) => page.limit}) changed ON true
  ORDER BY changed.user_id`,
);

/** What keepers of what ends with a device catch up from. */
export class DeviceLogStore {
  constructor(private readonly db: Database) {}

  async changedSince(since: number, afterUser: string, limit: number): Promise<{ cursor: number; userIds: string[] }> {
    const { rows } = await this.db.query<{ cursor: number; user_id: string | null }>(
      listChanged({ since, afterUser, limit }),
    );
    return { cursor: rows[0]?.cursor ?? 0, userIds: rows.flatMap(({ user_id }) => user_id ?? []) };
  }
}
