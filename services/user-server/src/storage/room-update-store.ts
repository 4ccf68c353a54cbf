import type { Database, Queryable } from '@ganglion/database';

/** What is to be brought to a user's rooms. */
export interface RoomUpdate {
  readonly userId: string;
  /** Profile fields that have changed; their values are read when they are delivered. */
  readonly fields: readonly string[];
  readonly leave: boolean;
  readonly version: number;
  readonly attempts: number;
}

/** Longer than any attempt takes. */
const CLAIM_MS = 60_000;

/** Asks for a delivery in the transaction of the change. */
export async function requestRoomUpdate(
  tx: Queryable,
  userId: string,
  { fields, leave }: Pick<RoomUpdate, 'fields' | 'leave'>,
): Promise<void> {
  await tx.query({
    name: 'request-room-update',
    text: `INSERT INTO user_server.room_updates AS known (user_id, fields, leave) VALUES ($1, $2, $3)
           ON CONFLICT (user_id) DO UPDATE SET version = known.version + 1, leave = known.leave OR excluded.leave,
             fields = ARRAY(SELECT DISTINCT unnest(known.fields || excluded.fields))`,
    values: [userId, fields, leave],
  });
}

/** Deliveries that are due. Whoever claims one has it for a while; when that process dies, another one goes on. */
export class RoomUpdateStore {
  constructor(private readonly db: Database) {}

  async due(limit: number): Promise<string[]> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'due-room-updates',
      text: 'SELECT user_id FROM user_server.room_updates WHERE due_at <= now() ORDER BY due_at LIMIT $1',
      values: [limit],
    });
    return rows.map((row) => row.user_id);
  }

  /** Undefined when there is nothing to do, or somebody else does it. */
  async claim(userId: string): Promise<RoomUpdate | undefined> {
    const { rows } = await this.db.query<Omit<RoomUpdate, 'userId'> & Record<string, unknown>>({
      name: 'claim-room-update',
      text: `UPDATE user_server.room_updates
             SET due_at = now() + $2 * interval '1 millisecond', attempts = attempts + 1
             WHERE user_id = $1 AND due_at <= now() RETURNING fields, leave, version, attempts`,
      values: [userId, CLAIM_MS],
    });
    return rows[0] && { ...rows[0], userId };
  }

  /** Ends a delivery; false when more was asked for meanwhile, which is due at once then. */
  async finish({ userId, version }: RoomUpdate): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'finish-room-update',
      text: 'DELETE FROM user_server.room_updates WHERE user_id = $1 AND version = $2',
      values: [userId, version],
    });
    if (rowCount === 1) return true;
    await this.postpone(userId, 0);
    return false;
  }

  async postpone(userId: string, delayMs: number): Promise<void> {
    await this.db.query({
      name: 'postpone-room-update',
      text: `UPDATE user_server.room_updates SET due_at = now() + $2 * interval '1 millisecond' WHERE user_id = $1`,
      values: [userId, delayMs],
    });
  }
}
