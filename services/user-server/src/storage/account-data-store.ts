import { ERASURE_TYPE } from '@ganglion/contracts';
import type { Database, Queryable } from '@ganglion/database';
import type { AccountDataKey, AccountDataStore, StoredAccountData, UserChangeRecord } from '../domain/ports.js';

interface OutboxRow extends Record<string, unknown> {
  outbox_id: number;
  user_id: string;
  user_seq: number;
  room_id: string;
  type: string;
  content: string;
}

/** The number, the change and its announcement in one statement, which is one transaction. */
const SET = `
  WITH next AS (
    UPDATE user_server.accounts SET user_seq = user_seq + 1, updated_xid = pg_current_xact_id()
    WHERE user_id = $1 AND deactivated_at IS NULL RETURNING user_seq),
  stored AS (
    INSERT INTO user_server.account_data (user_id, room_id, type, content, user_seq)
    SELECT $1, $2, $3, $4, user_seq FROM next
    ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, user_seq = excluded.user_seq)
  INSERT INTO user_server.outbox (user_id, user_seq, room_id, type, content)
  SELECT $1, user_seq, $2, $3, $4 FROM next
  RETURNING outbox_id, user_id, user_seq, room_id, type, content`;

/**
 * As SET, but what was not read does not get overwritten: the row that is there decides, whatever the statement's
 * snapshot says. The number is spent in any case.
 */
const REPLACE = `
  WITH next AS (
    UPDATE user_server.accounts SET user_seq = user_seq + 1, updated_xid = pg_current_xact_id()
    WHERE user_id = $1 AND deactivated_at IS NULL RETURNING user_seq),
  stored AS (
    INSERT INTO user_server.account_data AS known (user_id, room_id, type, content, user_seq)
    SELECT $1, $2, $3, $4, user_seq FROM next
    ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, user_seq = excluded.user_seq
    WHERE known.user_seq = $5
    RETURNING user_seq),
  announced AS (
    INSERT INTO user_server.outbox (user_id, user_seq, room_id, type, content)
    SELECT $1, user_seq, $2, $3, $4 FROM stored
    RETURNING outbox_id, user_id, user_seq, room_id, type, content)
  SELECT announced.* FROM next LEFT JOIN announced ON true`;

/** All of it, or global data of some types. */
const EMPTY = `
  WITH numbered AS (
    SELECT room_id, type, row_number() OVER (ORDER BY user_seq) AS place
    FROM user_server.account_data
    WHERE user_id = $1 AND content <> '{}' AND ($2::text[] IS NULL OR (room_id = '' AND type = ANY($2)))),
  last AS (
    UPDATE user_server.accounts SET user_seq = user_seq + (SELECT count(*) FROM numbered),
      updated_xid = pg_current_xact_id()
    WHERE user_id = $1 AND EXISTS (SELECT FROM numbered)
    RETURNING user_seq - (SELECT count(*) FROM numbered) AS before),
  emptied AS (
    UPDATE user_server.account_data d SET content = '{}', user_seq = last.before + numbered.place
    FROM numbered, last WHERE d.user_id = $1 AND d.room_id = numbered.room_id AND d.type = numbered.type
    RETURNING d.room_id, d.type, d.user_seq)
  INSERT INTO user_server.outbox (user_id, user_seq, room_id, type, content)
  SELECT $1, user_seq, room_id, type, '{}' FROM emptied ORDER BY user_seq
  RETURNING outbox_id, user_id, user_seq, room_id, type, content`;

const ERASE = `
  WITH next AS (
    UPDATE user_server.accounts SET user_seq = user_seq + 1, updated_xid = pg_current_xact_id()
    WHERE user_id = $1 RETURNING user_seq),
  stored AS (
    INSERT INTO user_server.account_data (user_id, room_id, type, content, user_seq)
    SELECT $1, '', $2, '{"erased":true}', user_seq FROM next)
  INSERT INTO user_server.outbox (user_id, user_seq, room_id, type, content)
  SELECT $1, user_seq, '', $2, '{"erased":true}' FROM next
  RETURNING outbox_id, user_id, user_seq, room_id, type, content`;

/** Account data in PostgreSQL. */
export class PostgresAccountDataStore implements AccountDataStore {
  constructor(private readonly db: Database) {}

  async get({ userId, roomId, type }: AccountDataKey): Promise<StoredAccountData | undefined> {
    const { rows } = await this.db.query<StoredAccountData & Record<string, unknown>>({
      name: 'get-account-data',
      text: 'SELECT content, user_seq AS "userSeq" FROM user_server.account_data WHERE user_id = $1 AND room_id = $2 AND type = $3',
      values: [userId, roomId, type],
    });
    return rows[0];
  }

  set(key: AccountDataKey, content: string): Promise<UserChangeRecord | undefined> {
    return storeAccountData(this.db, key, content);
  }

  async replace({ userId, roomId, type }: AccountDataKey, content: string, expectedSeq: number) {
    const { rows } = await this.db.query<OutboxRow | (Record<string, unknown> & { outbox_id: null })>({
      name: 'replace-account-data',
      text: REPLACE,
      values: [userId, roomId, type, content, expectedSeq],
    });
    const [row] = rows;
    if (row === undefined) return undefined;
    return row.outbox_id === null ? ('changed' as const) : changeOf(row as OutboxRow);
  }
}

/** As AccountDataStore.set, within a transaction of more. */
export async function storeAccountData(db: Queryable, { userId, roomId, type }: AccountDataKey, content: string) {
  const values = [userId, roomId, type, content];
  const { rows } = await db.query<OutboxRow>({ name: 'set-account-data', text: SET, values });
  return rows[0] && changeOf(rows[0]);
}

/** Takes the contents out of all account data of a user, whose account must be locked, or out of global data of some types. */
export async function emptyAccountData(
  db: Queryable,
  userId: string,
  types: readonly string[] | null = null,
): Promise<UserChangeRecord[]> {
  const { rows } = await db.query<OutboxRow>({ name: 'empty-account-data', text: EMPTY, values: [userId, types] });
  return rows.map(changeOf);
}

/** Tells the other services that a user is erased, whose account must be locked. */
export async function noteErasure(tx: Queryable, userId: string): Promise<UserChangeRecord[]> {
  const { rows } = await tx.query<OutboxRow>({ name: 'note-erasure', text: ERASE, values: [userId, ERASURE_TYPE] });
  return rows.map(changeOf);
}

export function changeOf(row: OutboxRow): UserChangeRecord {
  return {
    outboxId: row.outbox_id,
    userId: row.user_id,
    userSeq: row.user_seq,
    roomId: row.room_id,
    type: row.type,
    content: row.content,
  };
}
