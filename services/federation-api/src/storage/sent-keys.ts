import { type Database, type Queryable, rowsOf, sql, statement } from '@ganglion/database';
import type { OutgoingEdu, ReadKeys, SentKeys } from '../domain/ports/sending.js';
import { queueEdus } from './edu-queue.js';

const saveUsers = statement(
  'save-sender-users',
  sql<readonly ReadKeys[]>`
  INSERT INTO federation_api.sender_users AS s (user_id, key_seq, stream_id)
  SELECT * FROM (${rowsOf('r', { user_id: 'text', key_seq: 'bigint', stream_id: 'bigint' }, (users) =>
    users.map(({ userId, keySeq, streamId }) => ({ user_id: userId, key_seq: keySeq, stream_id: streamId })),
  )}) AS given ORDER BY user_id
  ON CONFLICT (user_id) DO UPDATE SET key_seq = excluded.key_seq, stream_id = excluded.stream_id
  WHERE s.key_seq < excluded.key_seq
  RETURNING user_id`,
);

/** How far the logs of keys were read, in PostgreSQL. */
export class PostgresSentKeys implements SentKeys {
  constructor(private readonly db: Database) {}

  async cursor(): Promise<number | undefined> {
    const text = 'SELECT key_cursor FROM federation_api.sender_keys';
    const { rows } = await this.db.query<{ key_cursor: number }>({ name: 'sender-key-cursor', text });
    return rows[0]?.key_cursor;
  }

  async saveCursor(cursor: number): Promise<void> {
    await this.db.query({
      name: 'save-sender-key-cursor',
      text: `INSERT INTO federation_api.sender_keys (is_one, key_cursor) VALUES (true, $1)
        ON CONFLICT (is_one) DO UPDATE SET key_cursor = excluded.key_cursor`,
      values: [cursor],
    });
  }

  async read(userIds: readonly string[]): Promise<ReadonlyMap<string, ReadKeys>> {
    const { rows } = await this.db.query<{ userId: string; keySeq: number; streamId: number | null }>({
      name: 'sender-users',
      text: `SELECT user_id AS "userId", key_seq AS "keySeq", stream_id AS "streamId" FROM federation_api.sender_users
        WHERE user_id = ANY ($1::text[])`,
      values: [userIds],
    });
    return new Map(rows.map((row) => [row.userId, { ...row, streamId: row.streamId ?? undefined }]));
  }

  async skip(users: readonly ReadKeys[]): Promise<void> {
    if (users.length > 0) await save(this.db, users);
  }

  async append(user: ReadKeys, edus: readonly OutgoingEdu[]): Promise<void> {
    await this.db.transaction(async (tx) => {
      // Otherwise another reader was here: what there was to queue is queued.
      if (await save(tx, [user])) await queueEdus(tx, edus);
    });
  }
}

async function save(db: Queryable, users: readonly ReadKeys[]): Promise<boolean> {
  return (await db.query(saveUsers(users))).rows.length > 0;
}
