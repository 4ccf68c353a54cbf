import { type Database, type Transaction, UNLIMITED } from '@ganglion/database';
import type { AccountValidityStore, Expiring, Renewal, Renewed, Validity } from '../domain/ports.js';
import { addLetter } from './letter-store.js';
import { tokensOf } from './session-writes.js';

/** How long after the end of an account a link still renews it; who has not been told by then is told no more. */
const LATE = `interval '30 days'`;
/** So often it is noted that ends are looked after; who is away for longer has not let anybody renew their account. */
const NOTED_EVERY = `interval '1 minute'`;
const AWAY = `interval '1 hour'`;
const LETTER_LASTS_MS = 7 * 86_400_000;
/** Accounts that were made since then have a whole period. */
const NEW = `interval '1 day'`;
/** Those that end at all. */
const ENDS = 'deactivated_at IS NULL AND NOT admin AND NOT guest';
const MS = (column: string) => `ceil(extract(epoch FROM ${column}) * 1000)::float8`;

interface RenewedRow extends Record<string, unknown> {
  user_id: string;
  expires_at_ms: number;
}

/** When accounts end, and the links that renew them, where every replica finds it. */
export class PostgresAccountValidityStore implements AccountValidityStore {
  constructor(private readonly db: Database) {}

  async keepClock(): Promise<void> {
    const { rows } = await this.db.query<{ due: boolean }>({
      name: 'validity-clock',
      text: `SELECT coalesce(looked_at < now() - ${NOTED_EVERY}, true) AS due FROM user_server.account_validity_clock`,
    });
    if (rows[0]?.due) await this.db.transaction((tx) => this.#setClock(tx), UNLIMITED);
  }

  /** Another process that does the same waits, and finds it done. */
  async #setClock(tx: Transaction): Promise<void> {
    await tx.query({
      name: 'hold-validity-clock',
      text: 'SELECT FROM user_server.account_validity_clock FOR UPDATE',
    });
    await tx.query({
      name: 'put-off-ends',
      text: `UPDATE user_server.accounts SET expires_at = expires_at + (now() - looked_at)
             FROM user_server.account_validity_clock
             WHERE looked_at < now() - ${AWAY} AND expires_at > looked_at AND ${ENDS}`,
    });
    await tx.query({
      name: 'note-validity-clock',
      text: `UPDATE user_server.account_validity_clock SET looked_at = greatest(looked_at, now())`,
    });
  }

  async begin(periodMs: number, limit: number): Promise<number> {
    const { rowCount } = await this.db.query({
      name: 'begin-validity',
      // Those that were there before do not all end, nor have all of their owners written to, in the same moment.
      text: `UPDATE user_server.accounts SET expires_at = now() + $1 * interval '1 millisecond' * CASE
               WHEN created_at > now() - ${NEW} THEN 1
               ELSE 0.9 + (hashtextextended(user_id, 0) & 1023) / 10240.0 END
             WHERE user_id IN (SELECT user_id FROM user_server.accounts WHERE expires_at IS NULL AND ${ENDS}
                               LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)`,
      values: [periodMs, limit],
    });
    return rowCount ?? 0;
  }

  tellSome(withinMs: number, most: number, write: (expiring: Expiring) => Renewal): Promise<number> {
    return this.db.transaction(async (tx) => {
      const { rows } = await tx.query<{ user_id: string }>({
        name: 'claim-expiring-accounts',
        text: `SELECT user_id FROM user_server.accounts a
               WHERE expires_at > now() - ${LATE} AND expires_at <= now() + $1 * interval '1 millisecond' AND ${ENDS}
                 AND renewal_emails AND told_of_end IS DISTINCT FROM expires_at
                 AND EXISTS (SELECT FROM user_server.third_party_ids t WHERE t.user_id = a.user_id AND t.medium = 'email')
               ORDER BY expires_at LIMIT $2 FOR NO KEY UPDATE OF a SKIP LOCKED`,
        values: [withinMs, most],
      });
      const told: string[] = [];
      for (const { user_id } of rows) if (await this.#write(tx, user_id, write)) told.push(user_id);
      await tx.query({
        name: 'note-told-of-end',
        text: 'UPDATE user_server.accounts SET told_of_end = expires_at WHERE user_id = ANY($1)',
        values: [told],
      });
      return rows.length;
    });
  }

  tell(userId: string, write: (expiring: Expiring) => Renewal): Promise<boolean> {
    return this.db.transaction((tx) => this.#write(tx, userId, write));
  }

  async renew(tokenHash: Buffer, periodMs: number): Promise<Renewed | undefined> {
    const used = await this.db.query<RenewedRow>({
      name: 'renew-account',
      text: `WITH used AS (
               UPDATE user_server.account_renewals SET used_at = now()
               WHERE token_hash = $1 AND expires_at > now() AND used_at IS NULL RETURNING user_id)
             UPDATE user_server.accounts a
             SET expires_at = greatest(a.expires_at, now() + $2 * interval '1 millisecond')
             FROM used WHERE a.user_id = used.user_id AND ${ENDS}
             RETURNING a.user_id, ${MS('a.expires_at')} AS expires_at_ms`,
      values: [tokenHash, periodMs],
    });
    if (used.rows[0] !== undefined) return this.#renewed(used.rows[0]);
    const { rows } = await this.db.query<RenewedRow>({
      name: 'find-used-renewal',
      text: `SELECT a.user_id, ${MS('a.expires_at')} AS expires_at_ms
             FROM user_server.account_renewals r JOIN user_server.accounts a USING (user_id)
             WHERE r.token_hash = $1 AND r.expires_at > now() AND r.used_at IS NOT NULL AND ${ENDS}`,
      values: [tokenHash],
    });
    return rows[0] && this.#renewed(rows[0]);
  }

  async set({ userId, expiresAtMs, renewalEmails }: Validity): Promise<Renewed | undefined> {
    const { rows } = await this.db.query<RenewedRow>({
      name: 'set-validity',
      text: `UPDATE user_server.accounts SET expires_at = to_timestamp($2::float8 / 1000), renewal_emails = $3
             WHERE user_id = $1 AND ${ENDS} RETURNING user_id, ${MS('expires_at')} AS expires_at_ms`,
      values: [userId, expiresAtMs, renewalEmails],
    });
    return rows[0] && this.#renewed(rows[0]);
  }

  /** After the commit: whose owner was looked up before it is among them. */
  async #renewed({ user_id, expires_at_ms }: RenewedRow): Promise<Renewed> {
    return { expiresAtMs: expires_at_ms, tokens: await tokensOf(this.db, user_id) };
  }

  /** Keeps a link and the letters that bring it; false where there is nobody to write to. */
  async #write(tx: Transaction, userId: string, write: (expiring: Expiring) => Renewal): Promise<boolean> {
    const { rows } = await tx.query<{ address: string }>({
      name: 'addresses-of-account',
      text: `SELECT address FROM user_server.third_party_ids WHERE user_id = $1 AND medium = 'email' ORDER BY address`,
      values: [userId],
    });
    if (rows.length === 0) return false;
    const { tokenHash, letters } = write({ userId, addresses: rows.map(({ address }) => address) });
    await tx.query({
      name: 'add-account-renewal',
      text: `INSERT INTO user_server.account_renewals (token_hash, user_id, expires_at)
             SELECT $1, user_id, greatest(expires_at, now()) + ${LATE} FROM user_server.accounts WHERE user_id = $2`,
      values: [tokenHash, userId],
    });
    for (const letter of letters) await addLetter(tx, letter, LETTER_LASTS_MS);
    return true;
  }
}
