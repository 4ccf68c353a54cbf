import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import type { OutboxStore } from '@ganglion/service';
import type { KeyChangeRecord } from '../domain/ports.js';

interface OutboxRow extends Record<string, unknown> {
  user_id: string;
  seq: number;
  list_changed: boolean;
  signed: string;
}

interface Page {
  readonly olderThanMs: number;
  readonly behind: { readonly userId: string; readonly seq: number };
  readonly limit: number;
}

const listLeftBehind = statement(
  'key-changes-left-behind',
  sql<Page>`
  SELECT user_id, seq, list_changed, signed FROM key_server.outbox
  WHERE created_at < clock_timestamp() - ${(page) => page.olderThanMs} * interval '1 millisecond'
    AND (user_id, seq) > (${(page) => page.behind.userId}, ${(page) => page.behind.seq}::bigint)
  ORDER BY user_id, seq LIMIT ${(page) => page.limit}`,
);

const told = rowsOf('i', { user_id: 'text', seq: 'bigint' }, (changes: readonly KeyChangeRecord[]) =>
  changes.map(({ userId, seq }) => ({ user_id: userId, seq })),
);

const empty = statement(
  'empty-key-outbox',
  sql<readonly KeyChangeRecord[]>`
  DELETE FROM key_server.outbox o USING (${told}) AS told WHERE o.user_id = told.user_id AND o.seq = told.seq`,
);

const BEGINNING = { userId: '', seq: 0 };

/** Changes of keys that wait to be published, each user's in order. */
export class KeyOutboxStore implements OutboxStore<KeyChangeRecord> {
  constructor(private readonly db: Database) {}

  async leftBehind(olderThanMs: number, limit: number, behind?: KeyChangeRecord): Promise<KeyChangeRecord[]> {
    const page = { olderThanMs, limit, behind: behind ?? BEGINNING };
    const { rows } = await this.db.query<OutboxRow>(listLeftBehind(page));
    return rows.map(({ user_id, seq, list_changed, signed }) => ({
      ...{ userId: user_id, seq, listChanged: list_changed, signedUserIds: JSON.parse(signed) as string[] },
    }));
  }

  async remove(changes: readonly KeyChangeRecord[]): Promise<void> {
    await this.db.query(empty(changes));
  }
}
