import type { Database } from '@ganglion/database';
import { and, eq } from 'drizzle-orm';
import type { FilterStore } from '../domain/ports.js';
import { filters } from './schema.js';

/** Filters in PostgreSQL. */
export class PostgresFilterStore implements FilterStore {
  constructor(private readonly db: Database) {}

  async get(userId: string, filterId: string): Promise<string | undefined> {
    const isFilter = and(eq(filters.userId, userId), eq(filters.filterId, filterId));
    const [row] = await this.db.drizzle.select({ definition: filters.definition }).from(filters).where(isFilter);
    return row?.definition;
  }

  async put(userId: string, filterId: string, definition: string): Promise<void> {
    await this.db.drizzle.insert(filters).values({ userId, filterId, definition }).onConflictDoNothing();
  }
}
