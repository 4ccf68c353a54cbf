import type { Queryable } from '@ganglion/database';
import type { PartialJoin, PartialJoins } from '../domain/ports/remote-rooms.js';

/** Several times as long as between two signs of life. */
const TAKEN_FOR = "interval '30 seconds'";
const COLUMNS = `room_id AS "roomId", event_id AS "eventId", joined_as AS "as", servers, failures`;

/** What is left to do of joins, in PostgreSQL. */
export class PostgresPartialJoins implements PartialJoins {
  constructor(private readonly db: Queryable) {}

  async add({ roomId, eventId, as, servers }: Omit<PartialJoin, 'failures'>, holder: string): Promise<void> {
    await this.db.query({
      name: 'add-partial-join',
      text: `INSERT INTO federation_api.partial_joins (room_id, event_id, joined_as, servers, taken_by, taken_until)
        VALUES ($1, $2, $3, $4, $5, now() + ${TAKEN_FOR})
        ON CONFLICT (room_id, event_id) DO UPDATE SET taken_by = excluded.taken_by, taken_until = excluded.taken_until`,
      values: [roomId, eventId, as, servers, holder],
    });
  }

  async take(holder: string): Promise<PartialJoin | undefined> {
    const { rows } = await this.db.query<PartialJoin & Record<string, unknown>>({
      name: 'take-partial-join',
      text: `UPDATE federation_api.partial_joins SET taken_by = $1, taken_until = now() + ${TAKEN_FOR}
        WHERE (room_id, event_id) = (
          SELECT room_id, event_id FROM federation_api.partial_joins
          WHERE try_at <= now() AND (taken_until IS NULL OR taken_until < now())
          ORDER BY try_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING ${COLUMNS}`,
      values: [holder],
    });
    return rows[0];
  }

  async keep({ roomId, eventId }: PartialJoin, holder: string): Promise<void> {
    await this.db.query({
      name: 'keep-partial-join',
      text: `UPDATE federation_api.partial_joins SET taken_until = now() + ${TAKEN_FOR}
        WHERE room_id = $1 AND event_id = $2 AND taken_by = $3`,
      values: [roomId, eventId, holder],
    });
  }

  async postpone({ roomId, eventId, failures }: PartialJoin, holder: string, ms: number): Promise<void> {
    await this.db.query({
      name: 'postpone-partial-join',
      text: `UPDATE federation_api.partial_joins SET failures = $5, taken_by = NULL, taken_until = NULL,
          try_at = now() + $4 * interval '1 millisecond'
        WHERE room_id = $1 AND event_id = $2 AND taken_by = $3`,
      values: [roomId, eventId, holder, ms, failures],
    });
  }

  async end(roomId: string, eventId: string): Promise<void> {
    await this.db.query({
      name: 'end-partial-join',
      text: 'DELETE FROM federation_api.partial_joins WHERE room_id = $1 AND event_id = $2',
      values: [roomId, eventId],
    });
  }
}
