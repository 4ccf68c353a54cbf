import type { Database } from '@ganglion/database';
import type { NonceStore } from '../domain/ports.js';

/** Nonces in PostgreSQL: whichever replica handed one out, it is used once. */
export class PostgresNonceStore implements NonceStore {
  constructor(private readonly db: Database) {}

  async add(nonce: string, lifetimeMs: number): Promise<void> {
    await this.db.query({
      name: 'add-nonce',
      text: `INSERT INTO user_server.registration_nonces (nonce, expires_at)
             VALUES ($1, now() + $2 * interval '1 millisecond')`,
      values: [nonce, lifetimeMs],
    });
  }

  async consume(nonce: string): Promise<boolean> {
    const { rows } = await this.db.query<{ valid: boolean }>({
      name: 'consume-nonce',
      text: 'DELETE FROM user_server.registration_nonces WHERE nonce = $1 RETURNING expires_at > now() AS valid',
      values: [nonce],
    });
    return rows[0]?.valid ?? false;
  }
}
