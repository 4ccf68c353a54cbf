import type { Database } from '@ganglion/database';
import { asc, eq } from 'drizzle-orm';
import type { RegistrationToken, RegistrationTokenLimits, RegistrationTokenStore } from '../domain/ports.js';
import { registrationTokens } from './schema.js';

const isToken = (token: string) => eq(registrationTokens.token, token);

/** Registration tokens in PostgreSQL. They are kept as they are: administrators want to see which they have given away. */
export class PostgresRegistrationTokenStore implements RegistrationTokenStore {
  constructor(private readonly db: Database) {}

  async list(): Promise<RegistrationToken[]> {
    const order = [asc(registrationTokens.createdAt), asc(registrationTokens.token)];
    const rows = await this.db.drizzle
      .select()
      .from(registrationTokens)
      .orderBy(...order);
    return rows.map(tokenOf);
  }

  async find(token: string): Promise<RegistrationToken | undefined> {
    const [row] = await this.db.drizzle.select().from(registrationTokens).where(isToken(token));
    return row && tokenOf(row);
  }

  async create(token: string, limits: RegistrationTokenLimits): Promise<boolean> {
    const { rowCount } = await this.db.drizzle
      .insert(registrationTokens)
      .values({ token, ...columnsOf(limits) })
      .onConflictDoNothing();
    return rowCount === 1;
  }

  async update(token: string, limits: RegistrationTokenLimits): Promise<RegistrationToken | undefined> {
    const changes = columnsOf(limits);
    if (Object.keys(changes).length === 0) return this.find(token);
    const [row] = await this.db.drizzle.update(registrationTokens).set(changes).where(isToken(token)).returning();
    return row && tokenOf(row);
  }

  async remove(token: string): Promise<boolean> {
    const { rowCount } = await this.db.drizzle.delete(registrationTokens).where(isToken(token));
    return rowCount === 1;
  }
}

function columnsOf({ usesAllowed, expiresAtMs }: RegistrationTokenLimits) {
  const expiresAt = typeof expiresAtMs === 'number' ? new Date(expiresAtMs) : expiresAtMs;
  return { ...(usesAllowed !== undefined && { usesAllowed }), ...(expiresAt !== undefined && { expiresAt }) };
}

function tokenOf({ token, usesAllowed, uses, expiresAt }: typeof registrationTokens.$inferSelect): RegistrationToken {
  return { token, uses, usesAllowed: usesAllowed ?? undefined, expiresAtMs: expiresAt?.getTime() };
}
