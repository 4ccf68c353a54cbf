import type { Database, Transaction } from '@ganglion/database';
import { and, eq } from 'drizzle-orm';
import { AddressInUseError, EmailSessionGoneError } from '../domain/email-failures.js';
import type {
  Binding,
  BoundAt,
  SessionCompletion,
  ThirdPartyAddress,
  ThirdPartyId,
  ThirdPartyIdStore,
} from '../domain/ports.js';
import { takeEmailSession } from './email-session-store.js';
import { identityBindings, thirdPartyIds } from './schema.js';
import { oncePerSession } from './uia-session-store.js';

/** About a month: who has not undone a binding by then does not do it. */
const MOST_ATTEMPTS = 40;
/** For who ends an account to have its bindings undone themselves. */
const FIRST_DELAY_MS = 60_000;

interface ClaimedRow extends Record<string, unknown> {
  user_id: string;
  medium: string;
  address: string;
  id_server: string;
  written: string;
}

/** What users can be reached by outside Matrix. */
export class PostgresThirdPartyIdStore implements ThirdPartyIdStore {
  constructor(private readonly db: Database) {}

  async list(userId: string): Promise<ThirdPartyId[]> {
    const rows = await this.db.drizzle
      .select()
      .from(thirdPartyIds)
      .where(eq(thirdPartyIds.userId, userId))
      .orderBy(thirdPartyIds.addedAt, thirdPartyIds.address);
    return rows.map(({ medium, address, validatedAt, addedAt }) => ({
      ...{ medium, address },
      ...{ validatedAtMs: validatedAt.getTime(), addedAtMs: addedAt.getTime() },
    }));
  }

  async owner(serverName: string, { medium, address }: ThirdPartyAddress): Promise<string | undefined> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'owner-of-third-party-id',
      text: 'SELECT user_id FROM user_server.third_party_ids WHERE server_name = $1 AND medium = $2 AND address = $3',
      values: [serverName, medium, address],
    });
    return rows[0]?.user_id;
  }

  async add(userId: string, sessionId: string, completion?: SessionCompletion): Promise<void> {
    await this.db.transaction((tx) =>
      oncePerSession(tx, completion, async () => {
        await addConfirmedAddress(tx, userId, sessionId);
        return true;
      }),
    );
  }

  async remove(userId: string, { medium, address }: ThirdPartyAddress): Promise<void> {
    const { userId: user, medium: kind, address: text } = thirdPartyIds;
    await this.db.drizzle.delete(thirdPartyIds).where(and(eq(user, userId), eq(kind, medium), eq(text, address)));
  }

  async bind(userId: string, { medium, address }: ThirdPartyAddress, { idServer, written }: BoundAt): Promise<void> {
    await this.db.query({
      name: 'note-identity-binding',
      // The account is held: either its end sees the binding, or the binding sees its end.
      text: `WITH account AS (
               SELECT user_id, CASE WHEN deactivated_at IS NOT NULL THEN now() END AS due_at
               FROM user_server.accounts WHERE user_id = $1 FOR SHARE)
             INSERT INTO user_server.identity_bindings (user_id, medium, address, id_server, written, due_at)
             SELECT user_id, $2, $3, $4, $5, due_at FROM account
             ON CONFLICT (user_id, medium, address, id_server)
               DO UPDATE SET written = excluded.written, due_at = excluded.due_at`,
      values: [userId, medium, address, idServer, written],
    });
  }

  async unbind(userId: string, id: ThirdPartyAddress, idServer: string): Promise<void> {
    await this.db.drizzle
      .delete(identityBindings)
      .where(and(isBinding(userId, id), eq(identityBindings.idServer, idServer)));
  }

  async boundAt(userId: string, id: ThirdPartyAddress): Promise<BoundAt[]> {
    const rows = await this.db.drizzle.select().from(identityBindings).where(isBinding(userId, id));
    return rows.map(({ idServer, address, written }) => ({ idServer, written: written ?? address }));
  }

  async claimLeftBehind(limit: number): Promise<Binding[]> {
    const { rows } = await this.db.query<ClaimedRow>({
      name: 'claim-identity-bindings',
      text: `UPDATE user_server.identity_bindings SET attempts = attempts + 1,
               due_at = CASE WHEN attempts < $2 THEN now() + least(86400, 60 * 2 ^ attempts) * interval '1 second' END
             WHERE (user_id, medium, address, id_server) IN (
               SELECT user_id, medium, address, id_server FROM user_server.identity_bindings
               WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
             RETURNING user_id, medium, address, id_server, coalesce(written, address) AS written`,
      values: [limit, MOST_ATTEMPTS],
    });
    return rows.map(({ user_id, medium, address, id_server, written }) => ({
      ...{ userId: user_id, id: { medium, address }, idServer: id_server, written },
    }));
  }

  async bindings(userId: string): Promise<ThirdPartyAddress[]> {
    const { medium, address } = identityBindings;
    return this.db.drizzle
      .selectDistinct({ medium, address })
      .from(identityBindings)
      .where(eq(identityBindings.userId, userId));
  }
}

function isBinding(userId: string, { medium, address }: ThirdPartyAddress) {
  const { userId: user, medium: kind, address: text } = identityBindings;
  return and(eq(user, userId), eq(kind, medium), eq(text, address));
}

/**
 * Gives somebody the address of a confirmed session, which ends with that.
 *
 * @throws EmailSessionGoneError, also when the account has ended; AddressInUseError
 */
export async function addConfirmedAddress(tx: Transaction, userId: string, sessionId: string): Promise<void> {
  const { rowCount: held } = await tx.query({
    name: 'hold-account-for-address',
    // Held, as who ends the account takes what is there then.
    text: 'SELECT FROM user_server.accounts WHERE user_id = $1 AND deactivated_at IS NULL FOR SHARE',
    values: [userId],
  });
  if (held === 0) throw new EmailSessionGoneError();
  const { serverName, address, confirmedAtMs } = await takeEmailSession(tx, sessionId);
  const { rowCount } = await tx.query({
    name: 'add-third-party-id',
    text: `INSERT INTO user_server.third_party_ids (server_name, medium, address, user_id, validated_at)
           VALUES ($1, 'email', $2, $3, to_timestamp($4::float8 / 1000)) ON CONFLICT DO NOTHING`,
    values: [serverName, address, userId, confirmedAtMs],
  });
  if (rowCount === 0) throw new AddressInUseError();
}

/** Takes from a user what they could be reached by, and has undone soon what they are found by elsewhere. */
export async function removeThirdPartyIds(tx: Transaction, userId: string): Promise<void> {
  await tx.drizzle.delete(thirdPartyIds).where(eq(thirdPartyIds.userId, userId));
  await tx.query({
    name: 'leave-identity-bindings-behind',
    text: `UPDATE user_server.identity_bindings SET due_at = now() + $2 * interval '1 millisecond' WHERE user_id = $1`,
    values: [userId, FIRST_DELAY_MS],
  });
}
