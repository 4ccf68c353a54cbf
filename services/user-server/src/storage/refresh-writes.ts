import type { Transaction } from '@ganglion/database';
import type { EndedTokens } from '../domain/ports.js';
import { ENDED_TOKENS, endedTokens } from './session-writes.js';

interface RefreshToken {
  readonly tokenId: number;
  readonly userId: string;
  readonly deviceId: string;
  readonly expired: boolean;
}

/** How many answers to a refresh a client may fail to receive and still use any of them. */
const MAX_PENDING = 4;

/** Holds the device's tokens still until the transaction ends; false when there is no such device. */
export async function lockDevice(
  tx: Transaction,
  { userId, deviceId }: { userId: string; deviceId: string },
): Promise<boolean> {
  const { rows } = await tx.query({
    name: 'lock-device',
    text: 'SELECT 1 FROM user_server.devices WHERE user_id = $1 AND device_id = $2 FOR UPDATE',
    values: [userId, deviceId],
  });
  return rows.length > 0;
}

export async function findRefreshToken(tx: Transaction, hash: Buffer): Promise<RefreshToken | undefined> {
  const { rows } = await tx.query<{ token_id: number; user_id: string; device_id: string; expired: boolean }>({
    name: 'find-refresh-token',
    text: `SELECT token_id, user_id, device_id, coalesce(expires_at <= now(), false) AS expired
           FROM user_server.refresh_tokens WHERE token_hash = $1`,
    values: [hash],
  });
  const row = rows[0];
  return row && { tokenId: row.token_id, userId: row.user_id, deviceId: row.device_id, expired: row.expired };
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

/** Makes room for one more successor of a token whose answers seem to get lost. */
export async function prunePending(tx: Transaction, parentId: number): Promise<EndedTokens> {
  const { rows } = await tx.query<{ token_id: number }>({
    name: 'find-pending-tokens',
    text: `SELECT token_id FROM user_server.refresh_tokens WHERE parent_id = $1
           ORDER BY token_id DESC OFFSET ${MAX_PENDING - 1}`,
    values: [parentId],
  });
  return deleteRefreshTokens(
    tx,
    rows.map((row) => row.token_id),
  );
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
