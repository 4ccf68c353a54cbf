import type { Database } from '@ganglion/database';
import type { ByteStore } from '../../src/domain/ports/byte-store.js';

/** The keys under which a store has anything, in order. */
export async function keysIn(store: ByteStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list()) keys.push(key);
  return keys.sort();
}

/** The keys that there should be something under, in order: of files, and of what was made of them. */
export async function keysKnown(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ store_key: string }>({
    text: `SELECT store_key FROM media.blobs UNION ALL SELECT store_key FROM media.thumbnails WHERE store_key IS NOT NULL ORDER BY 1`,
  });
  return rows.map(({ store_key }) => store_key);
}

/** How many keys are being written or are to go. */
export async function looseKeys(db: Database): Promise<number> {
  const { rows } = await db.query<{ count: number }>({ text: 'SELECT count(*) FROM media.loose_keys' });
  return rows[0]!.count;
}
