import type { Database, Transaction } from '@ganglion/database';
import { eq } from 'drizzle-orm';
import type {
  Account,
  AccountStore,
  Admission,
  Deactivation,
  EndedDevices,
  EndedTokens,
  Moderation,
  NewAccount,
  NewSession,
  PasswordChange,
  SessionCompletion,
} from '../domain/ports.js';
import { emptyAccountData, noteErasure } from './account-data-store.js';
import { admit } from './admission.js';
import { endPasswordSessions, takeEmailSession } from './email-session-store.js';
import { requestRoomUpdate } from './room-update-store.js';
import { accounts, filters, profileFields } from './schema.js';
import { endDevices, openSession, tokensOf } from './session-writes.js';
import { endShortTokens } from './short-token-store.js';
import { removeThirdPartyIds } from './third-party-id-store.js';
import { oncePerSession } from './uia-session-store.js';

interface AccountRow extends Record<string, unknown> {
  user_id: string;
  password_hash: string | null;
  admin: boolean;
  guest: boolean;
  deactivated: boolean;
  locked: boolean;
  expired: boolean;
  suspended: boolean;
}

/** The column of each, which goes into the text of a statement. */
const MODERATIONS = { locked: 'locked', suspended: 'suspended' } as const;

/** Accounts in PostgreSQL. */
export class PostgresAccountStore implements AccountStore {
  constructor(private readonly db: Database) {}

  async find(userIds: readonly string[]): Promise<Account | undefined> {
    const { rows } = await this.db.query<AccountRow>({
      name: 'find-account',
      text: `SELECT user_id, password_hash, admin, guest, deactivated_at IS NOT NULL AS deactivated, locked, suspended,
               coalesce(expires_at <= now(), false) AND NOT admin AND NOT guest AS expired
             FROM user_server.accounts WHERE user_id = ANY($1::text[]) ORDER BY array_position($1::text[], user_id) LIMIT 1`,
      values: [userIds],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    const { user_id, password_hash, ...flags } = row;
    return { ...flags, userId: user_id, passwordHash: password_hash ?? undefined };
  }

  create(account: NewAccount, session?: NewSession, completion?: SessionCompletion): Promise<boolean> {
    return this.#once(completion, async (tx) => {
      const { displayname, admission, ...columns } = account;
      const { userId } = columns;
      const inserted = await tx.drizzle
        .insert(accounts)
        .values(columns)
        .onConflictDoNothing()
        .returning({ userId: accounts.userId });
      if (inserted.length === 0) return false;
      await admit(tx, userId, admission);
      if (displayname !== undefined) {
        const value = JSON.stringify(displayname);
        await tx.drizzle.insert(profileFields).values({ userId, name: 'displayname', value });
      }
      if (session) await openSession(tx, userId, session);
      return true;
    });
  }

  upgradeGuest(
    userId: string,
    passwordHash: string,
    admission: Admission,
    session?: NewSession,
    completion?: SessionCompletion,
  ) {
    return this.#once(completion, async (tx): Promise<EndedDevices | undefined> => {
      const { rowCount } = await tx.query({
        name: 'upgrade-guest',
        text: `UPDATE user_server.accounts SET guest = false, password_hash = $2
               WHERE user_id = $1 AND guest AND deactivated_at IS NULL`,
        values: [userId, passwordHash],
      });
      if (rowCount === 0) return undefined;
      await admit(tx, userId, admission);
      const ended = await endDevices(tx, userId, { except: [] });
      if (session) await openSession(tx, userId, session);
      return ended;
    });
  }

  changePassword(
    userId: string,
    { from, to, onlyKeepDevices, emailSession }: PasswordChange,
    completion?: SessionCompletion,
  ) {
    return this.#once(completion, async (tx): Promise<EndedDevices | undefined> => {
      const { rowCount } = await tx.query({
        name: 'change-password',
        text: `UPDATE user_server.accounts SET password_hash = $3
               WHERE user_id = $1 AND password_hash IS NOT DISTINCT FROM $2 AND deactivated_at IS NULL`,
        values: [userId, from ?? null, to],
      });
      if (rowCount === 0) return undefined;
      if (emailSession !== undefined) await takeEmailSession(tx, emailSession);
      await endPasswordSessions(tx, userId);
      await endShortTokens(tx, userId);
      if (onlyKeepDevices === undefined) return { ended: [], changes: [] };
      return endDevices(tx, userId, { except: onlyKeepDevices });
    });
  }

  deactivate(userId: string, { erase, leaveRooms }: Deactivation, completion?: SessionCompletion) {
    return this.#once(completion, async (tx): Promise<EndedDevices | undefined> => {
      const { rowCount } = await tx.query({
        name: 'deactivate',
        text: `UPDATE user_server.accounts SET deactivated_at = now(), password_hash = NULL, erased = $2
               WHERE user_id = $1 AND deactivated_at IS NULL`,
        values: [userId, erase],
      });
      if (rowCount === 0) return undefined;
      const { ended, changes } = await endDevices(tx, userId, { except: [] });
      await endShortTokens(tx, userId);
      await removeThirdPartyIds(tx, userId);
      await tx.drizzle.delete(filters).where(eq(filters.userId, userId));
      if (leaveRooms) await requestRoomUpdate(tx, userId, { fields: [], leave: true });
      return { ended, changes: erase ? [...changes, ...(await this.#erase(tx, userId))] : changes };
    });
  }

  async guestsAmong(userIds: readonly string[]): Promise<string[]> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'guests-among',
      text: 'SELECT user_id FROM user_server.accounts WHERE guest AND user_id = ANY($1::text[])',
      values: [userIds],
    });
    return rows.map(({ user_id }) => user_id);
  }

  async listErased(sinceMs: number, afterUser: string, limit: number): Promise<string[]> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'list-erased-users',
      text: `SELECT user_id FROM user_server.accounts
             WHERE erased AND deactivated_at >= to_timestamp($1::float8 / 1000) AND user_id > $2 ORDER BY user_id LIMIT $3`,
      values: [sinceMs, afterUser, limit],
    });
    return rows.map(({ user_id }) => user_id);
  }

  async moderate(userId: string, moderation: Moderation, applies: boolean): Promise<EndedTokens | undefined> {
    const column = MODERATIONS[moderation];
    const { rowCount } = await this.db.query({
      name: `set-${column}`,
      text: `UPDATE user_server.accounts SET ${column} = $2
             WHERE user_id = $1 AND deactivated_at IS NULL AND NOT admin`,
      values: [userId, applies],
    });
    // After the commit: whose owner was looked up before it is among them.
    return rowCount === 0 ? undefined : tokensOf(this.db, userId);
  }

  #once<T>(completion: SessionCompletion | undefined, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.db.transaction((tx) => oncePerSession(tx, completion, () => work(tx)));
  }

  async #erase(tx: Transaction, userId: string) {
    await tx.drizzle.delete(profileFields).where(eq(profileFields.userId, userId));
    return [...(await emptyAccountData(tx, userId)), ...(await noteErasure(tx, userId))];
  }
}
