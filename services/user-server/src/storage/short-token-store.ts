import type { Database, Transaction } from '@ganglion/database';
import { eq } from 'drizzle-orm';
import type { ShortTokenStore, TokenPurpose } from '../domain/ports.js';
import { shortTokens } from './schema.js';

const VALID = `t.token_hash = $1 AND t.purpose = $2 AND t.expires_at > now() AND a.user_id = t.user_id AND a.deactivated_at IS NULL`;

/** Tokens for one use or a short time in PostgreSQL, where every replica finds them. */
export class PostgresShortTokenStore implements ShortTokenStore {
  constructor(private readonly db: Database) {}

  async create(hash: Buffer, purpose: TokenPurpose, userId: string, lifetimeMs: number): Promise<void> {
    await this.db.query({
      name: 'create-short-token',
      text: `INSERT INTO user_server.short_tokens (token_hash, purpose, user_id, expires_at)
             VALUES ($1, $2, $3, now() + $4 * interval '1 millisecond')`,
      values: [hash, purpose, userId, lifetimeMs],
    });
  }

  async owner(hash: Buffer, purpose: TokenPurpose): Promise<string | undefined> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'owner-of-short-token',
      text: `SELECT t.user_id FROM user_server.short_tokens t, user_server.accounts a WHERE ${VALID}`,
      values: [hash, purpose],
    });
    return rows[0]?.user_id;
  }

  async take(hash: Buffer, purpose: TokenPurpose): Promise<string | undefined> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'take-short-token',
      text: `DELETE FROM user_server.short_tokens t USING user_server.accounts a WHERE ${VALID} RETURNING t.user_id`,
      values: [hash, purpose],
    });
    return rows[0]?.user_id;
  }
}

/** Ends what a user has asked for and not used yet. */
export async function endShortTokens(tx: Transaction, userId: string): Promise<void> {
  await tx.drizzle.delete(shortTokens).where(eq(shortTokens.userId, userId));
}
