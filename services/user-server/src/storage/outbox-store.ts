import type { Database } from '@ganglion/database';
import type { UserChangeRecord } from '../domain/ports.js';
import { changeOf } from './account-data-store.js';

const OLD = `created_at < clock_timestamp() - $1 * interval '1 millisecond'`;

/** Changes that wait to be published. */
export class OutboxStore {
  constructor(private readonly db: Database) {}

  async remove(outboxIds: readonly number[]): Promise<void> {
    await this.db.query(removal(outboxIds));
  }

  /** Whether anything has waited so long that the process which wrote it may be gone. */
  async hasOlderThan(ageMs: number): Promise<boolean> {
    const { rows } = await this.db.query({
      name: 'look-into-outbox',
      text: `SELECT 1 FROM user_server.outbox WHERE ${OLD} LIMIT 1`,
      values: [ageMs],
    });
    return rows.length > 0;
  }

  /**
   * Publishes what has waited so long and removes it; how much it was. Nothing is locked while the bus is waited for: who finds
   * the same at the same time publishes it a second time, in the same order, and consumers know it by its number.
   */
  async drain(ageMs: number, limit: number, publish: (changes: UserChangeRecord[]) => Promise<void>): Promise<number> {
    const { rows } = await this.db.query<Parameters<typeof changeOf>[0]>({
      name: 'left-in-outbox',
      text: `SELECT outbox_id, user_id, user_seq, room_id, type, content FROM user_server.outbox WHERE ${OLD}
             ORDER BY outbox_id LIMIT $2`,
      values: [ageMs, limit],
    });
    if (rows.length === 0) return 0;
    await publish(rows.map(changeOf));
    await this.remove(rows.map((row) => row.outbox_id));
    return rows.length;
  }
}

function removal(outboxIds: readonly number[]) {
  return {
    name: 'empty-outbox',
    text: 'DELETE FROM user_server.outbox WHERE outbox_id = ANY($1::bigint[])',
    values: [outboxIds],
  };
}
