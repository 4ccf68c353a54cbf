import type { Database } from '@ganglion/database';

/** Forgets what can be used no more. */
export async function removeExpired(db: Database): Promise<void> {
  for (const table of ['uia_sessions', 'registration_nonces']) {
    await db.query({ name: `expire-${table}`, text: `DELETE FROM user_server.${table} WHERE expires_at < now()` });
  }
}
