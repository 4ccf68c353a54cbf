import type { Database } from '@ganglion/database';
import type { UiaSession, UiaSessionStore } from '../domain/ports.js';

interface SessionRow extends Record<string, unknown> {
  endpoint: string;
  user_id: string | null;
  body_digest: Buffer | null;
  completed: string[];
}

/** Sessions of user-interactive authentication in PostgreSQL, where every replica finds them. */
export class PostgresUiaSessionStore implements UiaSessionStore {
  constructor(private readonly db: Database) {}

  async create(hash: Buffer, session: UiaSession, lifetimeMs: number): Promise<void> {
    const { endpoint, userId, bodyDigest, completed } = session;
    await this.db.query({
      name: 'create-uia-session',
      text: `INSERT INTO user_server.uia_sessions (session_hash, endpoint, user_id, body_digest, completed, expires_at)
             VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 millisecond')`,
      values: [hash, endpoint, userId ?? null, bodyDigest ?? null, completed, lifetimeMs],
    });
  }

  async find(hash: Buffer): Promise<UiaSession | undefined> {
    const { rows } = await this.db.query<SessionRow>({
      name: 'find-uia-session',
      text: `SELECT endpoint, user_id, body_digest, completed FROM user_server.uia_sessions
             WHERE session_hash = $1 AND expires_at > now()`,
      values: [hash],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    const { endpoint, user_id, body_digest, completed } = row;
    return { endpoint, userId: user_id ?? undefined, bodyDigest: body_digest ?? undefined, completed };
  }

  async bind(hash: Buffer, bodyDigest: Buffer): Promise<Buffer | undefined> {
    const { rows } = await this.db.query<{ body_digest: Buffer }>({
      name: 'bind-uia-session',
      text: `UPDATE user_server.uia_sessions SET body_digest = coalesce(body_digest, $2)
             WHERE session_hash = $1 RETURNING body_digest`,
      values: [hash, bodyDigest],
    });
    return rows[0]?.body_digest;
  }

  async complete(hash: Buffer, before: readonly string[], stage: string): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'complete-uia-stage',
      text: `UPDATE user_server.uia_sessions SET completed = array_append(completed, $3)
             WHERE session_hash = $1 AND completed = $2::text[]`,
      values: [hash, before, stage],
    });
    return rowCount === 1;
  }

  async consume(hash: Buffer): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'consume-uia-session',
      text: 'DELETE FROM user_server.uia_sessions WHERE session_hash = $1 AND expires_at > now()',
      values: [hash],
    });
    return rowCount === 1;
  }
}
