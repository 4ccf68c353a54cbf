import type { Database, Transaction } from '@ganglion/database';
import type {
  DeviceKey,
  EndedTokens,
  NewSession,
  Refreshed,
  Refusal,
  SessionStore,
  Successors,
  TokenOwner,
} from '../domain/ports.js';
import { confirmSuccessor, findRefreshToken, lockDevice, succeed } from './refresh-writes.js';
import { openSession } from './session-writes.js';

interface OwnerRow extends Record<string, unknown> {
  token_hash: Buffer;
  user_id: string;
  device_id: string;
  device_nid: number | null;
  admin: boolean;
  guest: boolean;
  locked: boolean;
  suspended: boolean;
  expires_at_ms: number;
  expired: boolean;
  account_expires_at_ms: number | null;
  unused_refresh_token_id: number | null;
}

/** The hottest statement of the deployment: primary keys all the way. */
const OWNERS = `
  SELECT t.token_hash, t.user_id, t.device_id, d.device_nid, a.admin, a.guest, a.locked, a.suspended,
    coalesce(ceil(extract(epoch FROM t.expires_at) * 1000), 0)::float8 AS expires_at_ms,
    coalesce(t.expires_at <= now(), false) AS expired,
    CASE WHEN NOT a.admin AND NOT a.guest THEN ceil(extract(epoch FROM a.expires_at) * 1000)::float8 END
      AS account_expires_at_ms,
    CASE WHEN r.parent_id IS NOT NULL THEN r.token_id END AS unused_refresh_token_id
  FROM user_server.access_tokens t
  JOIN user_server.accounts a ON a.user_id = t.user_id
  JOIN user_server.devices d ON d.user_id = t.user_id AND d.device_id = t.device_id
  LEFT JOIN user_server.refresh_tokens r ON r.token_id = t.refresh_token_id
  WHERE t.token_hash = ANY($1::bytea[]) AND a.deactivated_at IS NULL`;

/** Sessions in PostgreSQL. Whatever changes the tokens of a device holds the lock on its row. */
export class PostgresSessionStore implements SessionStore {
  constructor(private readonly db: Database) {}

  open(userId: string, passwordHash: string | undefined, session: NewSession): Promise<EndedTokens | undefined> {
    return this.db.transaction(async (tx) => {
      const { rows } = await tx.query({
        name: 'hold-account',
        // Neither a new password nor a deactivation can come between this check and the new session.
        text: `SELECT 1 FROM user_server.accounts
               WHERE user_id = $1 AND deactivated_at IS NULL AND password_hash IS NOT DISTINCT FROM $2 FOR SHARE`,
        values: [userId, passwordHash ?? null],
      });
      return rows.length === 0 ? undefined : openSession(tx, userId, session);
    });
  }

  async owners(hashes: readonly Buffer[]): Promise<(TokenOwner | undefined)[]> {
    const { rows } = await this.db.query<OwnerRow>({ name: 'token-owners', text: OWNERS, values: [hashes] });
    const byHash = new Map(rows.map((row) => [row.token_hash.toString('latin1'), ownerOf(row)]));
    return hashes.map((hash) => byHash.get(hash.toString('latin1')));
  }

  refresh(hash: Buffer, issue: (device: DeviceKey) => Successors): Promise<Refreshed | Refusal> {
    return this.db.transaction(async (tx) => {
      const token = await findLocked(tx, hash);
      if (token === undefined) return 'unknown';
      if (token.expired) return 'expired';
      if (token.locked) return 'locked';
      const ended = (await confirmSuccessor(tx, token.tokenId)) ?? [];
      return { sealed: await succeed(tx, token, issue(token)), ended };
    });
  }

  confirmRefresh(owner: TokenOwner, refreshTokenId: number): Promise<EndedTokens | undefined> {
    return this.db.transaction(async (tx) => {
      await lockDevice(tx, owner);
      return confirmSuccessor(tx, refreshTokenId);
    });
  }
}

/** The refresh token as it is once nobody else can change it. */
async function findLocked(tx: Transaction, hash: Buffer) {
  const seen = await findRefreshToken(tx, hash);
  if (seen === undefined || !(await lockDevice(tx, seen))) return undefined;
  return findRefreshToken(tx, hash);
}

function ownerOf(row: OwnerRow): TokenOwner {
  return {
    userId: row.user_id,
    deviceId: row.device_id,
    deviceNid: row.device_nid ?? undefined,
    admin: row.admin,
    guest: row.guest,
    locked: row.locked,
    suspended: row.suspended,
    expiresAtMs: row.expires_at_ms,
    expired: row.expired,
    accountExpiresAtMs: row.account_expires_at_ms ?? undefined,
    unusedRefreshTokenId: row.unused_refresh_token_id ?? undefined,
  };
}
