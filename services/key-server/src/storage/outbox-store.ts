import type { Database } from '@ganglion/database';
import type { KeyChangeRecord } from '../domain/ports.js';

interface OutboxRow extends Record<string, unknown> {
  user_id: string;
  seq: number;
  list_changed: boolean;
  signed: string;
}

/** Changes of keys that wait to be published: each is written in the transaction of the change. */
export class OutboxStore {
  constructor(private readonly db: Database) {}

  /** What has waited so long that the process which wrote it may be gone, each user's in order. */
  async olderThan(ageMs: number, limit: number): Promise<KeyChangeRecord[]> {
    const { rows } = await this.db.query<OutboxRow>({
      name: 'key-changes-left-behind',
      text: `SELECT user_id, seq, list_changed, signed FROM key_server.outbox
             WHERE created_at < clock_timestamp() - $1 * interval '1 millisecond' ORDER BY user_id, seq LIMIT $2`,
      values: [ageMs, limit],
    });
    return rows.map(({ user_id, seq, list_changed, signed }) => ({
      ...{ userId: user_id, seq, listChanged: list_changed, signedUserIds: JSON.parse(signed) as string[] },
    }));
  }

  async remove(changes: readonly Pick<KeyChangeRecord, 'userId' | 'seq'>[]): Promise<void> {
    await this.db.query({
      name: 'empty-key-outbox',
      text: `DELETE FROM key_server.outbox o USING unnest($1::text[], $2::bigint[]) AS told(user_id, seq)
             WHERE o.user_id = told.user_id AND o.seq = told.seq`,
      values: [changes.map(({ userId }) => userId), changes.map(({ seq }) => seq)],
    });
  }
}
