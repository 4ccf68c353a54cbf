import type { Transaction } from '@ganglion/database';
import type { DeviceKey, EndedTokens, Successors } from '../domain/ports.js';
import { ENDED_TOKENS, endedTokens, insertTokens } from './session-writes.js';

interface RefreshToken extends DeviceKey {
  readonly tokenId: number;
  readonly expired: boolean;
  /** Whether the account is. */
  readonly locked: boolean;
  /** Sealed, when it has been exchanged before. */
  readonly successors: Buffer | undefined;
}

/** Holds the device's tokens still until the transaction ends; false when there is no such device. */
export async function lockDevice(tx: Transaction, { userId, deviceId }: DeviceKey): Promise<boolean> {
  const { rows } = await tx.query({
    name: 'lock-device',
    text: 'SELECT 1 FROM user_server.devices WHERE user_id = $1 AND device_id = $2 FOR UPDATE',
    values: [userId, deviceId],
  });
  return rows.length > 0;
}

interface TokenRow extends Record<string, unknown> {
  token_id: number;
  user_id: string;
  device_id: string;
  expired: boolean;
  locked: boolean;
  successors: Buffer | null;
}

export async function findRefreshToken(tx: Transaction, hash: Buffer): Promise<RefreshToken | undefined> {
  const { rows } = await tx.query<TokenRow>({
    name: 'find-refresh-token',
    text: `SELECT r.token_id, r.user_id, r.device_id, coalesce(r.expires_at <= now(), false) AS expired, a.locked, r.successors
           FROM user_server.refresh_tokens r JOIN user_server.accounts a USING (user_id) WHERE r.token_hash = $1`,
    values: [hash],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  const { token_id, user_id, device_id, successors, ...flags } = row;
  return { ...flags, tokenId: token_id, userId: user_id, deviceId: device_id, successors: successors ?? undefined };
}

/** Stores the successors of a refresh token, unless it has some; what its client is to be told. The device must be locked. */
export async function succeed(tx: Transaction, token: RefreshToken, { pair, sealed }: Successors): Promise<Buffer> {
  if (token.successors !== undefined && (await renewSuccessors(tx, token.tokenId, pair))) return token.successors;
  await insertTokens(tx, token, pair, token.tokenId);
  await tx.query({
    name: 'keep-successors',
    text: 'UPDATE user_server.refresh_tokens SET successors = $2 WHERE token_id = $1',
    values: [token.tokenId, sealed],
  });
  return sealed;
}

/** Lets successors that nobody has used yet live as long as new ones would; false when there are none. */
async function renewSuccessors(tx: Transaction, parentId: number, { access, refresh }: Successors['pair']) {
  const { rowCount } = await tx.query({
    name: 'renew-successors',
    text: `WITH renewed AS (
             UPDATE user_server.refresh_tokens SET expires_at = now() + $3 * interval '1 millisecond'
             WHERE parent_id = $1 RETURNING token_id)
           UPDATE user_server.access_tokens t SET expires_at = now() + $2 * interval '1 millisecond'
           FROM renewed WHERE t.refresh_token_id = renewed.token_id`,
    values: [parentId, access.lifetimeMs, refresh.lifetimeMs ?? null],
  });
  return rowCount !== 0;
}

/**
 * A refresh token, or the access token with it, is used: what it replaces ends, and so do its siblings. Undefined when
 * the token is gone. The device must be locked.
 */
export async function confirmSuccessor(tx: Transaction, tokenId: number): Promise<EndedTokens | undefined> {
  const { rows } = await tx.query<{ parent_id: number | null }>({
    name: 'find-parent-token',
    text: 'SELECT parent_id FROM user_server.refresh_tokens WHERE token_id = $1',
    values: [tokenId],
  });
  const token = rows[0];
  if (token === undefined) return undefined;
  if (token.parent_id === null) return [];
  const siblings = await tx.query<{ token_id: number }>({
    name: 'find-replaced-tokens',
    text: 'SELECT token_id FROM user_server.refresh_tokens WHERE (token_id = $1 OR parent_id = $1) AND token_id <> $2',
    values: [token.parent_id, tokenId],
  });
  const ended = await deleteRefreshTokens(
    tx,
    siblings.rows.map((row) => row.token_id),
  );
  await tx.query({
    name: 'confirm-token',
    text: 'UPDATE user_server.refresh_tokens SET parent_id = NULL WHERE token_id = $1',
    values: [tokenId],
  });
  return ended;
}

async function deleteRefreshTokens(tx: Transaction, tokenIds: readonly number[]): Promise<EndedTokens> {
  if (tokenIds.length === 0) return [];
  const { rows } = await tx.query<Parameters<typeof endedTokens>[0][number]>({
    name: 'end-tokens-of-refresh-tokens',
    text: `DELETE FROM user_server.access_tokens WHERE refresh_token_id = ANY($1::bigint[]) RETURNING ${ENDED_TOKENS}`,
    values: [tokenIds],
  });
  await tx.query({
    name: 'end-refresh-tokens',
    text: 'DELETE FROM user_server.refresh_tokens WHERE token_id = ANY($1::bigint[])',
    values: [tokenIds],
  });
  return endedTokens(rows);
}
