import type { Database, Queryable } from '@ganglion/database';

/** One after the other for each room: what is written to its row is what was wanted last. */
const TURN = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 7))';

const ADD = `
  INSERT INTO room_server.blocked_rooms (room_id, blocked_by) VALUES ($1, $2)
  ON CONFLICT (room_id) DO UPDATE SET blocked_by = excluded.blocked_by`;

/**
 * The row says the same as the table. With another version, whoever has the room in memory at any replica looks at it again before
 * they commit anything to it.
 */
const TELL_ROOM = `
  UPDATE room_server.rooms SET blocked = NOT blocked, version = version + 1
  WHERE room_id = $1 AND blocked <> EXISTS (SELECT FROM room_server.blocked_rooms WHERE room_id = $1)`;

/** Which rooms the operator has blocked. */
export class PostgresRoomBlocks {
  constructor(private readonly db: Database) {}

  /** Once it resolves, nothing is committed to the room any more, or whatever comes. */
  async set(roomId: string, blocked: boolean, userId: string): Promise<void> {
    await this.db.transaction(async (tx) => {
      await tx.query({ text: TURN, values: [roomId] });
      if (blocked) await tx.query({ name: 'block-room', text: ADD, values: [roomId, userId] });
      else {
        const text = 'DELETE FROM room_server.blocked_rooms WHERE room_id = $1';
        await tx.query({ name: 'unblock-room', text, values: [roomId] });
      }
      await tellRoom(tx, roomId);
    });
  }

  /** Who has blocked a room, if anybody has. */
  async blockedBy(roomId: string): Promise<string | undefined> {
    return blockedBy(this.db, roomId);
  }
}

/**
 * For a room that may have its row since a moment ago: whoever has blocked it before could not tell it. Who has just made the row waits
 * for whoever is blocking it at the moment, who has not seen the row.
 */
export async function tellNewRoom(db: Database, roomId: string, isNew: boolean): Promise<void> {
  if (!isNew && (await blockedBy(db, roomId)) === undefined) return;
  await db.transaction(async (tx) => {
    await tx.query({ text: TURN, values: [roomId] });
    await tellRoom(tx, roomId);
  });
}

async function tellRoom(tx: Queryable, roomId: string): Promise<void> {
  await tx.query({ name: 'tell-room-of-block', text: TELL_ROOM, values: [roomId] });
}

export async function blockedBy(db: Queryable, roomId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ by: string }>({
    name: 'room-blocked-by',
    text: 'SELECT blocked_by AS by FROM room_server.blocked_rooms WHERE room_id = $1',
    values: [roomId],
  });
  return rows[0]?.by;
}
