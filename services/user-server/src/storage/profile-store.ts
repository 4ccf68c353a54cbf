import type { Database, Transaction } from '@ganglion/database';
import { and, eq } from 'drizzle-orm';
import type { ProfileField, ProfileStore } from '../domain/ports.js';
import { requestRoomUpdate } from './room-update-store.js';
import { profileFields } from './schema.js';

/** Around a field's name and value stand two quotes, a colon and a comma; one brace is over. */
const SIZE_OF_OTHERS = `
  SELECT (1 + coalesce(sum(octet_length(name) + octet_length(value) + 4), 0))::integer AS bytes
  FROM user_server.profile_fields WHERE user_id = $1 AND name <> $2`;

/** Profiles in PostgreSQL. */
export class PostgresProfileStore implements ProfileStore {
  constructor(private readonly db: Database) {}

  async get(userId: string): Promise<ReadonlyMap<string, string> | undefined> {
    const { rows } = await this.db.query<{ name: string | null; value: string | null }>({
      name: 'get-profile',
      text: `SELECT f.name, f.value FROM user_server.accounts a LEFT JOIN user_server.profile_fields f USING (user_id)
             WHERE a.user_id = $1 ORDER BY f.name`,
      values: [userId],
    });
    if (rows.length === 0) return undefined;
    return new Map(rows.flatMap(({ name, value }) => (name === null || value === null ? [] : [[name, value]])));
  }

  set(userId: string, { name, value, propagate }: ProfileField, maxBytes: number): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      await lockProfile(tx, userId);
      const { rows } = await tx.query<{ bytes: number }>({
        name: 'size-of-profile',
        text: SIZE_OF_OTHERS,
        values: [userId, name],
      });
      const size = (rows[0]?.bytes ?? 0) + Buffer.byteLength(name) + Buffer.byteLength(value) + 4;
      if (size > maxBytes) return false;
      await tx.drizzle
        .insert(profileFields)
        .values({ userId, name, value })
        .onConflictDoUpdate({ target: [profileFields.userId, profileFields.name], set: { value } });
      if (propagate) await requestRoomUpdate(tx, userId, { fields: [name], leave: false });
      return true;
    });
  }

  async remove(userId: string, { name, propagate }: Omit<ProfileField, 'value'>): Promise<void> {
    await this.db.transaction(async (tx) => {
      await lockProfile(tx, userId);
      await tx.drizzle.delete(profileFields).where(and(eq(profileFields.userId, userId), eq(profileFields.name, name)));
      if (propagate) await requestRoomUpdate(tx, userId, { fields: [name], leave: false });
    });
  }
}

/** One change of a profile at a time: its size is what all of them make together. */
async function lockProfile(tx: Transaction, userId: string): Promise<void> {
  await tx.query({
    name: 'lock-profile',
    text: 'SELECT 1 FROM user_server.accounts WHERE user_id = $1 FOR NO KEY UPDATE',
    values: [userId],
  });
}
