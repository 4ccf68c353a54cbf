import type { KeyChange, KeyHead } from '@ganglion/contracts/keys';
import { type Database, logCursor, type MarkColumn, sql, statement } from '@ganglion/database';

export const KEY_MARKS = {
  table: 'key_server.users',
  column: 'updated_xid',
  type: 'xid8',
} as const satisfies MarkColumn;

interface HeadRow extends Record<string, unknown> {
  cursor: number;
  user_id: string | null;
  seq: number | null;
}

/** Users by the transaction that changed their keys last. */
const listHeads = statement(
  'key-heads',
  sql<{ since: number; afterUser: string; limit: number }>`
  WITH log AS MATERIALIZED (${logCursor(KEY_MARKS.type, (page) => page.since)})
  SELECT log.cursor, head.user_id, head.seq
  FROM log LEFT JOIN LATERAL (
    SELECT user_id, seq FROM key_server.users
    WHERE updated_xid >= (SELECT since FROM log) AND user_id > ${(page) => page.afterUser}
    ORDER BY user_id LIMIT ${(page) => page.limit}) head ON true
  ORDER BY head.user_id`,
);

const CHANGES = `
  SELECT u.seq, u.list_seq > $2 AS list_changed, ARRAY(
    SELECT s.signed_user_id FROM key_server.user_signatures s WHERE s.user_id = $1 AND s.seq > $2
    UNION SELECT k.user_id FROM key_server.cross_signing_keys k
    WHERE k.user_id = $1 AND k.usage = 'user_signing' AND k.seq > $2) AS signed
  FROM key_server.users u WHERE u.user_id = $1 AND u.seq > $2`;

/**
 * Devices by their changes after a seq, in order, with how far the user's changes have come. What has changed again after that is
 * there the next time.
 */
const LIST_UPDATES = `
  WITH log AS MATERIALIZED (SELECT seq FROM key_server.users WHERE user_id = $1), updates AS (
    SELECT seq, device_id, 'keys' AS state, NULL AS display_name FROM key_server.devices WHERE user_id = $1 AND seq > $2
    UNION ALL
    SELECT seq, device_id, 'keyless', display_name FROM key_server.keyless_devices k
    WHERE user_id = $1 AND seq > $2 AND NOT EXISTS (
      SELECT FROM key_server.devices d WHERE d.user_id = $1 AND d.device_id = k.device_id)
    UNION ALL
    SELECT seq, device_id, 'gone', NULL FROM key_server.removed_devices WHERE user_id = $1 AND seq > $2
  )
  SELECT log.seq AS reached, updates.seq, updates.device_id, updates.state, updates.display_name, EXISTS (
    SELECT FROM key_server.cross_signing_keys WHERE user_id = $1 AND usage <> 'user_signing' AND seq > $2) AS keys_changed
  FROM log LEFT JOIN updates ON true ORDER BY updates.seq`;

interface UpdateRow extends Record<string, unknown> {
  reached: number;
  seq: number | null;
  device_id: string | null;
  state: DeviceState | null;
  display_name: string | null;
  keys_changed: boolean;
}

/** Whether a device is there, and has keys. */
export type DeviceState = 'keys' | 'keyless' | 'gone';

/** What other servers have to hear of. */
export interface ListUpdates {
  readonly seq: number;
  readonly devices: readonly {
    readonly seq: number;
    readonly deviceId: string;
    readonly state: DeviceState;
    /** Of one without keys. */
    readonly displayName?: string | undefined;
  }[];
  readonly haveSigningKeysChanged: boolean;
}

/** What consumers catch up from. */
export class KeyLogStore {
  constructor(private readonly db: Database) {}

  async heads(since: number, afterUser: string, limit: number): Promise<{ cursor: number; heads: KeyHead[] }> {
    const { rows } = await this.db.query<HeadRow>(listHeads({ since, afterUser, limit }));
    const heads = rows.flatMap(({ user_id, seq }) =>
      user_id === null || seq === null ? [] : [{ userId: user_id, seq }],
    );
    return { cursor: rows[0]?.cursor ?? 0, heads };
  }

  /** What changed of a user after a number, as one change. */
  async changes(userId: string, afterSeq: number): Promise<KeyChange | undefined> {
    const { rows } = await this.db.query<{ seq: number; list_changed: boolean; signed: string[] }>({
      name: 'key-changes',
      text: CHANGES,
      values: [userId, afterSeq],
    });
    const [row] = rows;
    return row && { userId, seq: row.seq, listChanged: row.list_changed, signedUserIds: row.signed };
  }

  /** Which devices and keys of a user changed after a number. */
  async listUpdates(userId: string, afterSeq: number): Promise<ListUpdates> {
    const { rows } = await this.db.query<UpdateRow>({
      name: 'key-list-updates',
      text: LIST_UPDATES,
      values: [userId, afterSeq],
    });
    const devices = rows.flatMap(({ seq, device_id: deviceId, state, display_name }) =>
      seq === null || deviceId === null || state === null
        ? []
        : [{ seq, deviceId, state, displayName: display_name ?? undefined }],
    );
    return { seq: rows[0]?.reached ?? 0, devices, haveSigningKeysChanged: rows[0]?.keys_changed ?? false };
  }

  /** The number of the last change of a user's devices; 0 when there was none. */
  async lastOfDevices(userId: string): Promise<number> {
    const { rows } = await this.db.query<{ seq: number }>({
      name: 'last-change-of-devices',
      text: `SELECT greatest(
          (SELECT max(seq) FROM key_server.devices WHERE user_id = $1),
          (SELECT max(seq) FROM key_server.keyless_devices WHERE user_id = $1),
          (SELECT max(seq) FROM key_server.removed_devices WHERE user_id = $1), 0) AS seq`,
      values: [userId],
    });
    return rows[0]!.seq;
  }

  /** Forgets devices that went long ago: whoever has not heard of it by now asks for all of the user's. */
  async forgetRemoved(olderThanMs: number): Promise<void> {
    await this.db.query({
      name: 'forget-removed-devices',
      text: `DELETE FROM key_server.removed_devices WHERE removed_at < now() - $1::float8 * interval '1 millisecond'`,
      values: [olderThanMs],
    });
  }
}
