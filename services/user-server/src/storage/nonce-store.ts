import type { Database } from '@ganglion/database';
import type { NonceStore } from '../domain/ports.js';

/** The nonces that were used, in PostgreSQL: whichever replica handed one out, it is used once. */
export class PostgresNonceStore implements NonceStore {
  constructor(private readonly db: Database) {}

  async use(nonce: string, rememberMs: number): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'use-nonce',
      text: `INSERT INTO user_server.registration_nonces (nonce, expires_at)
             VALUES ($1, now() + $2 * interval '1 millisecond') ON CONFLICT DO NOTHING`,
      values: [nonce, rememberMs],
    });
    return rowCount === 1;
  }
}
