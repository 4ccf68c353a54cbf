import { type Database, UNLIMITED } from '@ganglion/database';

/** Forgets what can be used no more, however much it has become and however long that takes. */
export async function removeExpired(db: Database): Promise<void> {
  for (const table of [
    'uia_sessions',
    'registration_nonces',
    'short_tokens',
    'email_sessions',
    'letters',
    'account_renewals',
  ]) {
    const text = `DELETE FROM user_server.${table} WHERE expires_at < now()`;
    await db.transaction((tx) => tx.query({ name: `expire-${table}`, text }), UNLIMITED);
  }
}
