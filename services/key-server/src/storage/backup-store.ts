import { type Database, rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import type { Backup, BackupState, BackupStore, KeyPage, KeyScope, SessionKey, SessionName } from '../domain/ports.js';

const COLUMNS = 'version, algorithm, auth_data AS "authData", count, etag';

interface OfBackup {
  readonly userId: string;
  readonly version: number;
  readonly keys: readonly SessionKey[];
}

/** What was verified is better than what was not, then what decrypts more, then what passed through fewer hands. */
const putKeys = statement(
  'put-backup-keys',
  sql<OfBackup>`
  WITH given AS (
    ${rowsOf(
      'g',
      {
        ...({ room_id: 'text', session_id: 'text', first_message_index: 'bigint', forwarded_count: 'bigint' } as const),
        ...({ is_verified: 'boolean', session_data: 'text' } as const),
      },
      ({ keys }: OfBackup) => keys.map(keyRow),
    )}
  ), put AS (
    INSERT INTO key_server.backup_keys AS known
      (user_id, version, room_id, session_id, first_message_index, forwarded_count, is_verified, session_data)
    SELECT ${(p) => p.userId}, ${(p) => p.version}, given.* FROM given
    ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET is_verified = excluded.is_verified,
      first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
      session_data = excluded.session_data
    WHERE (excluded.is_verified, -excluded.first_message_index, -excluded.forwarded_count)
      > (known.is_verified, -known.first_message_index, -known.forwarded_count)
    RETURNING known.xmax = 0 AS is_new
  )
  UPDATE key_server.backups SET count = count + (SELECT count(*) FROM put WHERE is_new),
    etag = etag + CASE WHEN EXISTS (SELECT FROM put) THEN 1 ELSE 0 END
  WHERE user_id = ${(p) => p.userId} AND version = ${(p) => p.version} RETURNING count, etag`,
);

const PAGE = 500;
const PAGE_BYTES = 1_048_576;

const IN_SCOPE = `user_id = $1 AND version = $2 AND ($3::text IS NULL OR room_id = $3)
  AND ($4::text IS NULL OR session_id = $4)`;

/** The first one is there, however large it is. */
const BACKUP_KEYS = `
  SELECT room_id AS "roomId", session_id AS "sessionId", first_message_index AS "firstMessageIndex",
    forwarded_count AS "forwardedCount", is_verified AS "isVerified", session_data AS "sessionData", found
  FROM (
    SELECT page.*, count(*) OVER () AS found,
      sum(octet_length(session_data)) OVER (ORDER BY room_id, session_id) - octet_length(session_data) AS bytes_before
    FROM (
      SELECT * FROM key_server.backup_keys WHERE ${IN_SCOPE} AND (room_id, session_id) > ($5, $6)
      ORDER BY room_id, session_id LIMIT $7) AS page) AS measured
  WHERE bytes_before < $8 ORDER BY room_id, session_id`;

/** Key backups in PostgreSQL. Whoever changes the keys of one holds the lock on its row. */
export class PostgresBackupStore implements BackupStore {
  constructor(private readonly db: Database) {}

  async create(userId: string, algorithm: string, authData: string): Promise<number> {
    const { rows } = await this.db.query<{ version: number }>({
      name: 'create-backup',
      // Versions are not used again, also when the last one is removed.
      text: `WITH next AS (
               INSERT INTO key_server.users AS known (user_id, backup_version) VALUES ($1, 1)
               ON CONFLICT (user_id) DO UPDATE SET backup_version = known.backup_version + 1
               RETURNING backup_version)
             INSERT INTO key_server.backups (user_id, version, algorithm, auth_data)
             SELECT $1, backup_version, $2, $3 FROM next RETURNING version`,
      values: [userId, algorithm, authData],
    });
    return rows[0]!.version;
  }

  async find(userId: string, version?: number): Promise<Backup | undefined> {
    const { rows } = await this.db.query<Backup & Record<string, unknown>>({
      name: 'find-backup',
      text: `SELECT ${COLUMNS} FROM key_server.backups WHERE user_id = $1 AND version = coalesce($2, version)
             ORDER BY version DESC LIMIT 1`,
      values: [userId, version ?? null],
    });
    return rows[0];
  }

  async update(userId: string, version: number, algorithm: string, authData: string): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'update-backup',
      text: `UPDATE key_server.backups SET auth_data = $4 WHERE user_id = $1 AND version = $2 AND algorithm = $3`,
      values: [userId, version, algorithm, authData],
    });
    return rowCount === 1;
  }

  async remove(userId: string, version: number): Promise<boolean> {
    const { rows } = await this.db.query<{ known: boolean }>({
      name: 'remove-backup',
      text: `WITH removed AS (DELETE FROM key_server.backups WHERE user_id = $1 AND version = $2)
             SELECT backup_version >= $2 AS known FROM key_server.users WHERE user_id = $1`,
      values: [userId, version],
    });
    return rows[0]?.known === true;
  }

  putKeys(userId: string, version: number, keys: readonly SessionKey[]) {
    return this.db.transaction(async (tx): Promise<BackupState | { current: number } | undefined> => {
      const { rows } = await tx.query<{ version: number }>({
        name: 'hold-current-backup',
        text: `SELECT version FROM key_server.backups WHERE user_id = $1 ORDER BY version DESC LIMIT 1 FOR UPDATE`,
        values: [userId],
      });
      const current = rows[0]?.version;
      if (current === undefined) return undefined;
      if (current !== version) return { current };
      return (await tx.query<BackupState & Record<string, unknown>>(putKeys({ userId, version, keys }))).rows[0];
    });
  }

  async keys(userId: string, version: number, scope: KeyScope, behind?: SessionName): Promise<KeyPage | undefined> {
    const { roomId = null, sessionId = null } = scope;
    const { rows } = await this.db.query<SessionKey & { found: number } & Record<string, unknown>>({
      name: 'backup-keys',
      text: BACKUP_KEYS,
      values: [userId, version, roomId, sessionId, behind?.roomId ?? '', behind?.sessionId ?? '', PAGE, PAGE_BYTES],
    });
    if (rows.length === 0 && (await this.find(userId, version)) === undefined) return undefined;
    const found = rows[0]?.found ?? 0;
    return { keys: rows, isLast: rows.length === found && found < PAGE };
  }

  removeKeys(userId: string, version: number, scope: KeyScope): Promise<BackupState | undefined> {
    return this.db.transaction(async (tx) => {
      if (!(await hold(tx, userId, version))) return undefined;
      const { rows } = await tx.query<BackupState & Record<string, unknown>>({
        name: 'remove-backup-keys',
        text: `WITH removed AS (DELETE FROM key_server.backup_keys WHERE ${IN_SCOPE} RETURNING 1)
               UPDATE key_server.backups SET count = count - (SELECT count(*) FROM removed),
                 etag = etag + CASE WHEN EXISTS (SELECT FROM removed) THEN 1 ELSE 0 END
               WHERE user_id = $1 AND version = $2 RETURNING count, etag`,
        values: [userId, version, scope.roomId ?? null, scope.sessionId ?? null],
      });
      return rows[0];
    });
  }
}

async function hold(tx: Transaction, userId: string, version: number): Promise<boolean> {
  const { rows } = await tx.query({
    name: 'hold-backup',
    text: 'SELECT 1 FROM key_server.backups WHERE user_id = $1 AND version = $2 FOR UPDATE',
    values: [userId, version],
  });
  return rows.length > 0;
}

function keyRow({ roomId, sessionId, firstMessageIndex, forwardedCount, isVerified, sessionData }: SessionKey) {
  return {
    ...{ room_id: roomId, session_id: sessionId, first_message_index: firstMessageIndex },
    ...{ forwarded_count: forwardedCount, is_verified: isVerified, session_data: sessionData },
  };
}
