import type { Queryable } from '@ganglion/database';
import type { HistoryTurns } from '../domain/ports/history.js';

/** Longer than any fetch: whoever has not ended it by then has died. */
const TAKEN_FOR = "interval '60 seconds'";

/** Whose turn it is to fetch history of a room, in PostgreSQL. */
export class PostgresHistoryTurns implements HistoryTurns {
  constructor(private readonly db: Queryable) {}

  async take(roomId: string, holder: string): Promise<boolean> {
    const { rows } = await this.db.query({
      name: 'take-history-turn',
      text: `INSERT INTO federation_api.history_turns AS t (room_id, taken_by, taken_until)
        VALUES ($1, $2, now() + ${TAKEN_FOR})
        ON CONFLICT (room_id) DO UPDATE SET taken_by = excluded.taken_by, taken_until = excluded.taken_until
          WHERE t.taken_until < now()
        RETURNING true`,
      values: [roomId, holder],
    });
    return rows.length > 0;
  }

  async end(roomId: string, holder: string): Promise<void> {
    await this.db.query({
      name: 'end-history-turn',
      text: 'DELETE FROM federation_api.history_turns WHERE room_id = $1 AND taken_by = $2',
      values: [roomId, holder],
    });
  }
}
