import type { Database } from '@ganglion/database';
import type { ByteInventory, ExpectedBytes } from '../domain/ports/byte-inventory.js';

/** Which bytes there should be, by PostgreSQL. */
export class PostgresByteInventory implements ByteInventory {
  constructor(private readonly db: Database) {}

  async expected(afterKey: string, most: number): Promise<ExpectedBytes[]> {
    const { rows } = await this.db.query<{ store_key: string; sha256: Buffer; bytes: number }>({
      name: 'expected-bytes',
      text: `(SELECT store_key, sha256, bytes FROM media.blobs WHERE store_key > $1 ORDER BY store_key LIMIT $2)
        UNION ALL
        (SELECT store_key, sha256, bytes FROM media.thumbnails WHERE store_key > $1 ORDER BY store_key LIMIT $2)
        ORDER BY store_key LIMIT $2`,
      values: [afterKey, most],
    });
    return rows.map(({ store_key: key, sha256, bytes }) => ({ key, sha256, bytes }));
  }

  async has(key: string): Promise<boolean> {
    const { rows } = await this.db.query<{ known: boolean }>({
      name: 'is-key-expected',
      text: `SELECT EXISTS (SELECT FROM media.blobs WHERE store_key = $1)
        OR EXISTS (SELECT FROM media.thumbnails WHERE store_key = $1) AS known`,
      values: [key],
    });
    return rows[0]!.known;
  }

  async unknown(keys: readonly string[]): Promise<string[]> {
    const { rows } = await this.db.query<{ key: string }>({
      name: 'unknown-keys',
      text: `SELECT key FROM unnest($1::text[]) AS t(key)
        WHERE NOT EXISTS (SELECT FROM media.blobs WHERE store_key = key)
          AND NOT EXISTS (SELECT FROM media.thumbnails WHERE store_key = key)
          AND NOT EXISTS (SELECT FROM media.loose_keys WHERE store_key = key)`,
      values: [keys],
    });
    return rows.map(({ key }) => key);
  }
}
