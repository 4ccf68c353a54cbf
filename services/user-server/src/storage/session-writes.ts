import type { Queryable, Transaction } from '@ganglion/database';
import type { DeviceKey, EndedDevices, EndedTokens, NewSession, TokenPair } from '../domain/ports.js';
import { emptyAccountData } from './account-data-store.js';

interface EndedRow extends Record<string, unknown> {
  token_hash: Buffer;
  user_id: string;
  device_id: string;
}

/** What clients have noted of how a device notifies. @see https://github.com/matrix-org/matrix-spec-proposals/pull/3890 */
const SETTINGS = ['m.local_notification_settings.', 'org.matrix.msc3890.local_notification_settings.'];

/** What a statement that deletes access tokens returns. */
export const ENDED_TOKENS = 'token_hash, user_id, device_id';

/** Logs in a device, in the transaction that has made sure of its user. Tokens of a known device end. */
export async function openSession(tx: Transaction, userId: string, session: NewSession): Promise<EndedTokens> {
  const device = { userId, deviceId: session.deviceId };
  const isNew = await putDevice(tx, device, session.displayName);
  const ended = isNew ? [] : await endTokens(tx, device);
  await insertTokens(tx, device, session, null);
  return ended;
}

/** Makes the device or, when it is known, locks it; whether it is new. */
async function putDevice(tx: Transaction, { userId, deviceId }: DeviceKey, displayName?: string): Promise<boolean> {
  const { rows } = await tx.query<{ is_new: boolean }>({
    name: 'put-device',
    text: `INSERT INTO user_server.devices AS known (user_id, device_id, display_name) VALUES ($1, $2, $3)
           ON CONFLICT (user_id, device_id) DO UPDATE SET display_name = known.display_name, dehydrated = false
           RETURNING xmax = 0 AS is_new`,
    values: [userId, deviceId, displayName ?? null],
  });
  return rows[0]?.is_new ?? false;
}

async function endTokens(tx: Transaction, { userId, deviceId }: DeviceKey): Promise<EndedTokens> {
  const { rows } = await tx.query<EndedRow>({
    name: 'end-tokens-of-device',
    text: `DELETE FROM user_server.access_tokens WHERE user_id = $1 AND device_id = $2 RETURNING ${ENDED_TOKENS}`,
    values: [userId, deviceId],
  });
  await tx.query({
    name: 'end-refresh-tokens-of-device',
    text: 'DELETE FROM user_server.refresh_tokens WHERE user_id = $1 AND device_id = $2',
    values: [userId, deviceId],
  });
  return endedTokens(rows);
}

/** Stores an access token and, if there is one, its refresh token, which succeeds that of `parentId`. */
export async function insertTokens(
  tx: Transaction,
  { userId, deviceId }: DeviceKey,
  { access, refresh }: TokenPair,
  parentId: number | null,
): Promise<void> {
  let refreshTokenId: number | null = null;
  if (refresh) {
    const { rows } = await tx.query<{ token_id: number }>({
      name: 'insert-refresh-token',
      text: `INSERT INTO user_server.refresh_tokens (token_hash, user_id, device_id, parent_id, expires_at)
             VALUES ($1, $2, $3, $4, now() + $5 * interval '1 millisecond') RETURNING token_id`,
      values: [refresh.hash, userId, deviceId, parentId, refresh.lifetimeMs ?? null],
    });
    refreshTokenId = rows[0]?.token_id ?? null;
  }
  await tx.query({
    name: 'insert-access-token',
    text: `INSERT INTO user_server.access_tokens (token_hash, user_id, device_id, refresh_token_id, expires_at)
           VALUES ($1, $2, $3, $4, now() + $5 * interval '1 millisecond')`,
    values: [access.hash, userId, deviceId, refreshTokenId, access.lifetimeMs ?? null],
  });
}

/** The access tokens that a user has. */
export async function tokensOf(db: Queryable, userId: string): Promise<EndedTokens> {
  const { rows } = await db.query<EndedRow>({
    name: 'tokens-of-user',
    text: `SELECT ${ENDED_TOKENS} FROM user_server.access_tokens WHERE user_id = $1`,
    values: [userId],
  });
  return endedTokens(rows);
}

/** Ends devices of a user, with what was noted of how they notify: those named, or all but those named. */
export async function endDevices(
  tx: Transaction,
  userId: string,
  which: { readonly only: readonly string[] } | { readonly except: readonly string[] },
): Promise<EndedDevices> {
  const named = 'only' in which;
  // Before the devices, as a log-in holds the account when it comes for its device.
  await tx.query({
    name: 'lock-account-of-devices',
    text: 'SELECT FROM user_server.accounts WHERE user_id = $1 FOR NO KEY UPDATE',
    values: [userId],
  });
  const { rows } = await tx.query<{ device_id: string }>({
    name: 'lock-devices',
    // Locked first, so that no refresh adds a token that would end unannounced; in order, so that nobody deadlocks.
    text: `SELECT device_id FROM user_server.devices
           WHERE user_id = $1 AND (device_id = ANY($2::text[])) = $3 ORDER BY device_id FOR UPDATE`,
    values: [userId, named ? which.only : which.except, named],
  });
  const deviceIds = rows.map((row) => row.device_id);
  if (deviceIds.length === 0) return { ended: [], changes: [] };
  const types = deviceIds.flatMap((deviceId) => SETTINGS.map((prefix) => `${prefix}${deviceId}`));
  return {
    ended: await deleteDevices(tx, userId, deviceIds),
    changes: await emptyAccountData(tx, userId, types),
  };
}

async function deleteDevices(tx: Transaction, userId: string, deviceIds: readonly string[]): Promise<EndedTokens> {
  const { rows } = await tx.query<EndedRow>({
    name: 'end-tokens-of-devices',
    text: `DELETE FROM user_server.access_tokens
           WHERE user_id = $1 AND device_id = ANY($2::text[]) RETURNING ${ENDED_TOKENS}`,
    values: [userId, deviceIds],
  });
  await tx.query({
    name: 'delete-devices',
    text: 'DELETE FROM user_server.devices WHERE user_id = $1 AND device_id = ANY($2::text[])',
    values: [userId, deviceIds],
  });
  return endedTokens(rows);
}

export function endedTokens(rows: readonly EndedRow[]): EndedTokens {
  return rows.map((row) => ({ hash: row.token_hash, userId: row.user_id, deviceId: row.device_id }));
}
