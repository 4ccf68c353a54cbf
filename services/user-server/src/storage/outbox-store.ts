import { type Database, sql, statement } from '@ganglion/database';
import type { OutboxStore } from '@ganglion/service';
import type { UserChangeRecord } from '../domain/ports.js';
import { changeOf } from './account-data-store.js';

interface Page {
  readonly olderThanMs: number;
  readonly behind: number;
  readonly limit: number;
}

const listLeftBehind = statement(
  'left-in-outbox',
  sql<Page>`
  SELECT outbox_id, user_id, user_seq, room_id, type, content FROM user_server.outbox
  WHERE created_at < clock_timestamp() - ${(page) => page.olderThanMs} * interval '1 millisecond'
    AND outbox_id > ${(page) => page.behind}
  ORDER BY outbox_id LIMIT ${(page) => page.limit}`,
);

/** Changes of users that wait to be published. */
export class UserOutboxStore implements OutboxStore<UserChangeRecord> {
  constructor(private readonly db: Database) {}

  async leftBehind(olderThanMs: number, limit: number, behind?: UserChangeRecord): Promise<UserChangeRecord[]> {
    const page = { olderThanMs, limit, behind: behind?.outboxId ?? 0 };
    const { rows } = await this.db.query<Parameters<typeof changeOf>[0]>(listLeftBehind(page));
    return rows.map(changeOf);
  }

  async remove(changes: readonly UserChangeRecord[]): Promise<void> {
    await this.db.query({
      name: 'empty-outbox',
      text: 'DELETE FROM user_server.outbox WHERE outbox_id = ANY($1::bigint[])',
      values: [changes.map(({ outboxId }) => outboxId)],
    });
  }
}
