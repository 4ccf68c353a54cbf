import type { Database, Transaction } from '@ganglion/database';
import type { SessionCompletion, UiaSession, UiaSessionStore } from '../domain/ports.js';
import { SessionCompletedError } from '../domain/session-completed-error.js';

interface SessionRow extends Record<string, unknown> {
  endpoint: string;
  user_id: string | null;
  parameters: Buffer;
  completed: string[];
  evidence: Buffer | null;
  flows: string | null;
  result: Buffer | null;
}

/** Sessions of user-interactive authentication in PostgreSQL, where every replica finds them. */
export class PostgresUiaSessionStore implements UiaSessionStore {
  constructor(private readonly db: Database) {}

  async create(hash: Buffer, session: Omit<UiaSession, 'result'>, lifetimeMs: number): Promise<void> {
    const { endpoint, userId, parameters, completed, evidence, flows } = session;
    await this.db.query({
      name: 'create-uia-session',
      text: `INSERT INTO user_server.uia_sessions 
               (session_hash, endpoint, user_id, parameters, completed, evidence, flows, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 millisecond')`,
      values: [
        ...[hash, endpoint, userId ?? null, parameters, completed, evidence ?? null],
        ...[flows && JSON.stringify(flows), lifetimeMs],
      ],
    });
  }

  async find(hash: Buffer): Promise<UiaSession | undefined> {
    const { rows } = await this.db.query<SessionRow>({
      name: 'find-uia-session',
      text: `SELECT endpoint, user_id, parameters, completed, evidence, result, flows FROM user_server.uia_sessions
             WHERE session_hash = $1 AND expires_at > now() AND parameters IS NOT NULL`,
      values: [hash],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    const { user_id, evidence, result, flows, ...rest } = row;
    return {
      ...{ ...rest, userId: user_id ?? undefined, evidence: evidence ?? undefined, result: result ?? undefined },
      flows: flows === null ? undefined : JSON.parse(flows),
    };
  }

  async extend(hash: Buffer, before: Buffer, parameters: Buffer): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'extend-uia-session',
      text: 'UPDATE user_server.uia_sessions SET parameters = $3 WHERE session_hash = $1 AND parameters = $2',
      values: [hash, before, parameters],
    });
    return rowCount === 1;
  }

  async complete(hash: Buffer, before: readonly string[], stage: string, evidence: Buffer): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'complete-uia-stage',
      text: `UPDATE user_server.uia_sessions SET completed = array_append(completed, $3), evidence = $4
             WHERE session_hash = $1 AND completed = $2::text[]`,
      values: [hash, before, stage, evidence],
    });
    return rowCount === 1;
  }
}

/**
 * Does something once for a session, and notes its result in the same transaction; who comes at the same time waits. Falsy
 * results are refusals, after which it may be tried again.
 *
 * @throws SessionCompletedError when it has been done before
 */
export async function oncePerSession<T>(
  tx: Transaction,
  completion: SessionCompletion | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (completion === undefined) return work();
  const { rows } = await tx.query<{ is_open: boolean }>({
    name: 'hold-uia-session',
    text: `SELECT result IS NULL AS is_open FROM user_server.uia_sessions WHERE session_hash = $1 FOR UPDATE`,
    values: [completion.sessionHash],
  });
  if (!rows[0]?.is_open) throw new SessionCompletedError();
  const outcome = await work();
  if (outcome) {
    await tx.query({
      name: 'complete-uia-session',
      text: 'UPDATE user_server.uia_sessions SET result = $2 WHERE session_hash = $1',
      values: [completion.sessionHash, completion.result],
    });
  }
  return outcome;
}
