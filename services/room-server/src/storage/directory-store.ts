import { MatrixError } from '@ganglion/contracts';
import { type Database, isUniqueViolation } from '@ganglion/database';
import { and, eq } from 'drizzle-orm';
import { aliases, rooms, stateEntries } from './schema.js';

export interface AliasTarget {
  readonly roomId: string;
  readonly creator: string;
}

/** Aliases of rooms and which rooms are published. */
export class DirectoryStore {
  constructor(private readonly db: Database) {}

  async resolve(alias: string): Promise<AliasTarget | undefined> {
    const [row] = await this.db.drizzle
      .select({ roomId: rooms.roomId, creator: aliases.creator })
      .from(aliases)
      .innerJoin(rooms, eq(rooms.roomNid, aliases.roomNid))
      .where(eq(aliases.alias, alias));
    return row;
  }

  /** @throws MatrixError M_UNKNOWN (409) when the alias exists, M_NOT_FOUND when the room does not, M_FORBIDDEN for who is not in it */
  async createAlias(alias: string, roomId: string, creator: string): Promise<void> {
    const [room] = await this.db.drizzle.select({ nid: rooms.roomNid }).from(rooms).where(eq(rooms.roomId, roomId));
    if (room === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room');
    await this.#checkJoined(room.nid, creator);
    try {
      await this.db.drizzle.insert(aliases).values({ alias, roomNid: room.nid, creator });
    } catch (error) {
      if (!isUniqueViolation((error as Error).cause ?? error)) throw error;
      throw new MatrixError(409, 'M_UNKNOWN', `${alias} exists already`);
    }
  }

  /** Nobody gives names to a room that they do not know. */
  async #checkJoined(roomNid: number, userId: string): Promise<void> {
    const isOwn = and(
      eq(stateEntries.roomNid, roomNid),
      eq(stateEntries.type, 'm.room.member'),
      eq(stateEntries.stateKey, userId),
    );
    const [member] = await this.db.drizzle
      .select({ membership: stateEntries.membership })
      .from(stateEntries)
      .where(isOwn);
    if (member?.membership !== 'join') throw new MatrixError(403, 'M_FORBIDDEN', `${userId} is not in the room`);
  }

  async deleteAlias(alias: string): Promise<void> {
    await this.db.drizzle.delete(aliases).where(eq(aliases.alias, alias));
  }

  async listAliases(roomId: string): Promise<string[]> {
    const rows = await this.db.drizzle
      .select({ alias: aliases.alias })
      .from(aliases)
      .innerJoin(rooms, eq(rooms.roomNid, aliases.roomNid))
      .where(eq(rooms.roomId, roomId))
      .orderBy(aliases.createdAt);
    return rows.map((row) => row.alias);
  }

  /** Lets all aliases of a room lead to another one, which takes its place in the directory, too; the aliases that lead there. */
  async moveAll(roomNid: number, toNid: number): Promise<string[]> {
    return this.db.drizzle.transaction(async (tx) => {
      await tx.update(aliases).set({ roomNid: toNid }).where(eq(aliases.roomNid, roomNid));
      const [old] = await tx
        .update(rooms)
        .set({ published: false })
        .where(and(eq(rooms.roomNid, roomNid), eq(rooms.published, true)))
        .returning({ roomNid: rooms.roomNid });
      if (old !== undefined) await tx.update(rooms).set({ published: true }).where(eq(rooms.roomNid, toNid));
      const moved = await tx.select({ alias: aliases.alias }).from(aliases).where(eq(aliases.roomNid, toNid));
      return moved.map(({ alias }) => alias);
    });
  }

  /** Undefined when there is no such room. */
  async isPublished(roomId: string): Promise<boolean | undefined> {
    const [row] = await this.db.drizzle
      .select({ published: rooms.published })
      .from(rooms)
      .where(eq(rooms.roomId, roomId));
    return row?.published;
  }

  async setPublished(roomId: string, published: boolean): Promise<void> {
    await this.db.drizzle.update(rooms).set({ published }).where(eq(rooms.roomId, roomId));
  }
}
