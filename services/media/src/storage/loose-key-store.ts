import type { Database } from '@ganglion/database';
import type { LooseKeys } from '../domain/ports/file-store.js';

/** How long whoever condemned a key has to remove its bytes before somebody else tries. */
const REMOVAL_SECONDS = 60;

/** Loose keys in PostgreSQL. */
export class PostgresLooseKeys implements LooseKeys {
  constructor(private readonly db: Database) {}

  async note(key: string, lifetimeMs: number): Promise<void> {
    await this.db.query({
      name: 'note-loose-key',
      text: `INSERT INTO media.loose_keys (store_key, due_at) VALUES ($1, now() + $2 * interval '1 millisecond')`,
      values: [key, lifetimeMs],
    });
  }

  /** Where its commit was in doubt, this waits for it: what has become a file is loose no more. */
  async giveUp(key: string): Promise<void> {
    await this.db.query({
      name: 'give-up-loose-key',
      text: 'UPDATE media.loose_keys SET due_at = now() WHERE store_key = $1',
      values: [key],
    });
  }

  async condemn(most: number): Promise<string[]> {
    const { rows } = await this.db.query<{ store_key: string }>({
      name: 'condemn-loose-keys',
      text: `UPDATE media.loose_keys k SET condemned = true, due_at = now() + $2 * interval '1 second'
        FROM (SELECT store_key FROM media.loose_keys WHERE due_at <= now() ORDER BY due_at LIMIT $1
              FOR UPDATE SKIP LOCKED) AS due
        WHERE k.store_key = due.store_key RETURNING k.store_key`,
      values: [most, REMOVAL_SECONDS],
    });
    return rows.map(({ store_key }) => store_key);
  }

  async forget(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.db.query({
      name: 'forget-loose-keys',
      text: 'DELETE FROM media.loose_keys WHERE store_key = ANY($1::text[]) AND condemned',
      values: [keys],
    });
  }
}
