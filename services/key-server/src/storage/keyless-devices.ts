import { type Queryable, rowsOf, sql, statement, type Transaction } from '@ganglion/database';
import type { KeylessDevice, OtherDevices } from '../domain/ports.js';

interface KeylessRow extends Record<string, unknown> {
  device_id: string | null;
  display_name: string | null;
  created_at_ms: number;
  is_new: boolean;
}

interface Written {
  readonly userId: string;
  /** Each with the number of its change; 0 when nobody is told of it. */
  readonly rows: readonly (KeylessDevice & { readonly seq: number })[];
}

const given = rowsOf(
  'd',
  { device_id: 'text', display_name: 'text', created_at_ms: 'float8', seq: 'bigint' },
  ({ rows }: Written) =>
    rows.map(({ deviceId, displayName, createdAtMs, seq }) => ({
      ...{ device_id: deviceId, display_name: displayName, created_at_ms: createdAtMs, seq },
    })),
);

/** Another device of the same id does not inherit the one-time keys of the one before. */
const forgetEarlier = statement(
  'forget-earlier-keyless-devices',
  sql<Written>`
  WITH now AS (${given}), here AS (
    DELETE FROM key_server.removed_devices r USING now WHERE r.user_id = ${(p) => p.userId} AND r.device_id = now.device_id)
  DELETE FROM key_server.keyless_devices k USING now
  WHERE k.user_id = ${(p) => p.userId} AND k.device_id = now.device_id AND k.created_at_ms <> now.created_at_ms`,
);

const put = statement(
  'put-keyless-devices',
  sql<Written>`
  INSERT INTO key_server.keyless_devices (user_id, device_id, display_name, created_at_ms, seq)
  SELECT ${(p) => p.userId}, d.device_id, d.display_name, d.created_at_ms, d.seq FROM (${given}) AS d
  ON CONFLICT (user_id, device_id) DO UPDATE SET display_name = excluded.display_name, seq = excluded.seq`,
);

/** Devices of a user without keys of their own. Those that have got some meanwhile are left out. */
export async function readOthers(db: Queryable, userId: string): Promise<OtherDevices> {
  const { rows } = await db.query<KeylessRow>({
    name: 'keyless-devices-of',
    text: `SELECT coalesce(u.seq, 0) = 0 AS is_new, k.device_id, k.display_name, k.created_at_ms FROM (SELECT $1::text AS user_id) AS asked
           LEFT JOIN key_server.users u USING (user_id)
           LEFT JOIN key_server.keyless_devices k ON k.user_id = asked.user_id AND NOT EXISTS (
             SELECT FROM key_server.devices d WHERE d.user_id = k.user_id AND d.device_id = k.device_id)`,
    values: [userId],
  });
  const keyless = rows.flatMap(({ device_id: deviceId, display_name, created_at_ms: createdAtMs }) =>
    deviceId === null ? [] : [[deviceId, { deviceId, displayName: display_name ?? undefined, createdAtMs }] as const],
  );
  return { keyless: new Map(keyless), isNew: rows[0]?.is_new !== false };
}

/** Writes devices without keys, of a user who must be locked. */
export async function putKeyless(tx: Transaction, written: Written): Promise<void> {
  await tx.query(forgetEarlier(written));
  await tx.query(put(written));
}

/** Those that have keys of their own from now on keep their one-time keys. */
export async function forgetKeyless(tx: Transaction, userId: string, deviceIds: readonly string[]): Promise<void> {
  await tx.query({
    name: 'forget-keyless-devices',
    text: 'DELETE FROM key_server.keyless_devices WHERE user_id = $1 AND device_id = ANY($2::text[])',
    values: [userId, deviceIds],
  });
}
