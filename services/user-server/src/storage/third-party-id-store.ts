import type { Database, Transaction } from '@ganglion/database';
import { and, eq } from 'drizzle-orm';
import { AddressInUseError } from '../domain/email-failures.js';
import type { SessionCompletion, ThirdPartyAddress, ThirdPartyId, ThirdPartyIdStore } from '../domain/ports.js';
import { takeEmailSession } from './email-session-store.js';
import { identityBindings, thirdPartyIds } from './schema.js';
import { oncePerSession } from './uia-session-store.js';

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

  async bind(userId: string, { medium, address }: ThirdPartyAddress, idServer: string): Promise<void> {
    await this.db.drizzle.insert(identityBindings).values({ userId, medium, address, idServer }).onConflictDoNothing();
  }

  async unbind(userId: string, id: ThirdPartyAddress, idServer: string): Promise<void> {
    await this.db.drizzle
      .delete(identityBindings)
      .where(and(isBinding(userId, id), eq(identityBindings.idServer, idServer)));
  }

  async boundAt(userId: string, id: ThirdPartyAddress): Promise<string[]> {
    const rows = await this.db.drizzle.select().from(identityBindings).where(isBinding(userId, id));
    return rows.map(({ idServer }) => idServer);
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
 * @throws EmailSessionGoneError, AddressInUseError
 */
export async function addConfirmedAddress(tx: Transaction, userId: string, sessionId: string): Promise<void> {
  const { serverName, address, confirmedAtMs } = await takeEmailSession(tx, sessionId);
  const { rowCount } = await tx.query({
    name: 'add-third-party-id',
    text: `INSERT INTO user_server.third_party_ids (server_name, medium, address, user_id, validated_at)
           VALUES ($1, 'email', $2, $3, to_timestamp($4::float8 / 1000)) ON CONFLICT DO NOTHING`,
    values: [serverName, address, userId, confirmedAtMs],
  });
  if (rowCount === 0) throw new AddressInUseError();
}

/** Takes from a user what they could be reached by. */
export async function removeThirdPartyIds(tx: Transaction, userId: string): Promise<void> {
  await tx.drizzle.delete(thirdPartyIds).where(eq(thirdPartyIds.userId, userId));
}
