import type { Database, Transaction } from '@ganglion/database';
import { EmailSessionGoneError } from '../domain/email-failures.js';
import type {
  ConfirmedEmail,
  EmailPurpose,
  EmailRequest,
  EmailStore,
  Letter,
  NewEmailSession,
} from '../domain/ports.js';
import { addLetter } from './letter-store.js';

interface OpenRow extends Record<string, unknown> {
  session_id: string;
  sealed_token: Buffer;
  send_attempt: number;
}

interface ConfirmedRow extends Record<string, unknown> {
  session_id: string;
  purpose: EmailPurpose;
  server_name: string;
  address: string;
  confirmed_at_ms: number;
}

const CONFIRMED = `session_id, purpose, server_name, address,
  (extract(epoch FROM confirmed_at) * 1000)::bigint AS confirmed_at_ms`;

/** What e-mails were asked for, and which links in them were followed, where every replica finds it. */
export class PostgresEmailStore implements EmailStore {
  constructor(private readonly db: Database) {}

  async lastAttempt({ purpose, serverName, address, secretHash }: EmailRequest): Promise<number> {
    const { rows } = await this.db.query<Pick<OpenRow, 'send_attempt'> & Record<string, unknown>>({
      name: 'last-send-attempt',
      text: `SELECT send_attempt FROM user_server.email_sessions
             WHERE purpose = $1 AND server_name = $2 AND address = $3 AND secret_hash = $4 AND expires_at > now()`,
      values: [purpose, serverName, address, secretHash],
    });
    return rows[0]?.send_attempt ?? 0;
  }

  open(
    request: EmailRequest,
    fresh: NewEmailSession,
    lifetimeMs: number,
    write: (session: Pick<NewEmailSession, 'sessionId' | 'sealedToken'>) => Letter | undefined,
  ): Promise<string> {
    return this.db.transaction(async (tx) => {
      const { session_id, sealed_token, send_attempt } = await holdSession(tx, request, fresh, lifetimeMs);
      if (request.sendAttempt <= send_attempt) return session_id;
      await tx.query({
        name: 'count-send-attempt',
        // Once its link has been followed it lasts no longer, however often another e-mail is asked for.
        text: `UPDATE user_server.email_sessions SET send_attempt = $2, next_link = $3,
                 expires_at = CASE WHEN confirmed_at IS NULL THEN now() + $4 * interval '1 millisecond' ELSE expires_at END
               WHERE session_id = $1`,
        values: [session_id, request.sendAttempt, request.nextLink ?? null, lifetimeMs],
      });
      const letter = write({ sessionId: session_id, sealedToken: sealed_token });
      if (letter !== undefined) await addLetter(tx, letter, lifetimeMs);
      return session_id;
    });
  }

  async confirm(sessionId: string, tokenHash: Buffer) {
    const { rows } = await this.db.query<{ next_link: string | null }>({
      name: 'confirm-email',
      text: `UPDATE user_server.email_sessions SET confirmed_at = coalesce(confirmed_at, now())
             WHERE session_id = $1 AND token_hash = $2 AND expires_at > now() RETURNING next_link`,
      values: [sessionId, tokenHash],
    });
    return rows[0] && { nextLink: rows[0].next_link ?? undefined };
  }

  async purposeOf(sessionId: string, tokenHash: Buffer): Promise<EmailPurpose | undefined> {
    const { rows } = await this.db.query<Pick<ConfirmedRow, 'purpose'> & Record<string, unknown>>({
      name: 'email-purpose',
      text: `SELECT purpose FROM user_server.email_sessions
             WHERE session_id = $1 AND token_hash = $2 AND expires_at > now()`,
      values: [sessionId, tokenHash],
    });
    return rows[0]?.purpose;
  }

  async findConfirmed(sessionId: string, secretHash: Buffer): Promise<ConfirmedEmail | undefined> {
    const { rows } = await this.db.query<ConfirmedRow>({
      name: 'find-confirmed-email',
      text: `SELECT ${CONFIRMED} FROM user_server.email_sessions
             WHERE session_id = $1 AND secret_hash = $2 AND expires_at > now() AND confirmed_at IS NOT NULL`,
      values: [sessionId, secretHash],
    });
    return rows[0] && confirmedOf(rows[0]);
  }
}

/** Makes a session or finds it, and holds it: who asks for the same at the same time waits, and no e-mail is sent twice. */
async function holdSession(
  tx: Transaction,
  { purpose, serverName, address, secretHash }: EmailRequest,
  { sessionId, tokenHash, sealedToken }: NewEmailSession,
  lifetimeMs: number,
): Promise<OpenRow> {
  const key = [purpose, serverName, address, secretHash];
  await tx.query({
    name: 'end-late-email-session',
    text: `DELETE FROM user_server.email_sessions
           WHERE purpose = $1 AND server_name = $2 AND address = $3 AND secret_hash = $4 AND expires_at <= now()`,
    values: key,
  });
  const { rows } = await tx.query<OpenRow>({
    name: 'hold-email-session',
    text: `INSERT INTO user_server.email_sessions AS known
             (purpose, server_name, address, secret_hash, session_id, token_hash, sealed_token, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 millisecond')
           ON CONFLICT (purpose, server_name, address, secret_hash) DO UPDATE SET session_id = known.session_id
           RETURNING session_id, sealed_token, send_attempt`,
    values: [...key, sessionId, tokenHash, sealedToken, lifetimeMs],
  });
  return rows[0]!;
}

/** Ends a confirmed session with what it is good for, in the transaction that does that. @throws EmailSessionGoneError */
export async function takeEmailSession(tx: Transaction, sessionId: string): Promise<ConfirmedEmail> {
  const { rows } = await tx.query<ConfirmedRow>({
    name: 'take-confirmed-email',
    text: `DELETE FROM user_server.email_sessions WHERE session_id = $1 AND confirmed_at IS NOT NULL RETURNING ${CONFIRMED}`,
    values: [sessionId],
  });
  if (rows[0] === undefined) throw new EmailSessionGoneError();
  return confirmedOf(rows[0]);
}

/** Ends what has been asked for to reset somebody's password, in the transaction that sets another one. */
export async function endPasswordSessions(tx: Transaction, userId: string): Promise<void> {
  await tx.query({
    name: 'end-password-email-sessions',
    text: `DELETE FROM user_server.email_sessions s USING user_server.third_party_ids id
           WHERE id.user_id = $1 AND id.medium = 'email' AND s.purpose = 'password'
             AND s.server_name = id.server_name AND s.address = id.address`,
    values: [userId],
  });
}

function confirmedOf({ session_id, purpose, server_name, address, confirmed_at_ms }: ConfirmedRow): ConfirmedEmail {
  return { sessionId: session_id, purpose, serverName: server_name, address, confirmedAtMs: confirmed_at_ms };
}
