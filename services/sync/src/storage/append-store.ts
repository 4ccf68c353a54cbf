import { type Database, isConnectionError } from '@ganglion/database';
import type { AppendBatch, AppendRoom, TypingRow, TypingUser } from '../domain/append-batch.js';
import type { AppendCursors, AppenderState, AppendModel, EarlierEvent } from '../domain/ports/append-model.js';
import { appendStatement } from './append-statement.js';

const EARLIER_COLUMNS = `t.event_id AS "eventId", t.room_nid AS "roomNid", t.type, t.state_key AS "stateKey", t.position, t.json,
  coalesce(t.fixed_unsigned, '') AS "fixedUnsigned", t.membership`;

/** The appender's side of the read model. */
export class AppendStore implements AppendModel {
  constructor(private readonly db: Database) {}

  async beginTerm(epoch: number): Promise<AppenderState | undefined> {
    const { rows } = await this.db.query<{ position: number; roomCursor: number; userCursor: number }>({
      text: `UPDATE sync.appender SET epoch = $1 WHERE epoch < $1
        RETURNING position, room_cursor AS "roomCursor", user_cursor AS "userCursor"`,
      values: [epoch],
    });
    return rows[0];
  }

  async typing(): Promise<Omit<TypingRow, 'position'>[]> {
    const { rows } = await this.db.query<{ roomNid: number; typing: string }>({
      text: `SELECT room_nid AS "roomNid", typing FROM sync.ephemeral WHERE typing <> '[]'`,
    });
    return rows.map(({ roomNid, typing }) => ({ roomNid, typing: JSON.parse(typing) as TypingUser[] }));
  }

  async cursors(): Promise<AppendCursors> {
    const { rows } = await this.db.query<AppendCursors & Record<string, unknown>>({
      name: 'read-cursors',
      text: 'SELECT room_cursor AS "roomCursor", user_cursor AS "userCursor" FROM sync.appender',
    });
    return rows[0] ?? { roomCursor: 0, userCursor: 0 };
  }

  async append(batch: AppendBatch, epoch: number): Promise<boolean> {
    const { rowCount } = await this.db.query(appendStatement(batch, epoch));
    return rowCount === 1;
  }

  async rooms(wanted: readonly { roomId: string; roomVersion: string }[]): Promise<AppendRoom[]> {
    const { rows } = await this.db.query<AppendRoom & Record<string, unknown>>({
      name: 'append-rooms',
      text: `
        WITH wanted AS (SELECT * FROM unnest($1::text[], $2::text[]) AS w(room_id, room_version)), made AS (
          INSERT INTO sync.rooms (room_id, room_version) SELECT room_id, room_version FROM wanted
          ON CONFLICT (room_id) DO NOTHING RETURNING *
        )
        SELECT room_nid AS nid, room_id AS "roomId", room_version AS "roomVersion", room_seq AS seq, visibility FROM made
        UNION ALL
        SELECT room_nid, room_id, room_version, room_seq, visibility FROM sync.rooms WHERE room_id = ANY($1)`,
      values: [wanted.map((room) => room.roomId), wanted.map((room) => room.roomVersion)],
    });
    return rows;
  }

  async userSeqs(userIds: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await this.db.query<{ user_id: string; user_seq: number }>({
      name: 'append-users',
      text: 'SELECT user_id, user_seq FROM sync.users WHERE user_id = ANY($1)',
      values: [userIds],
    });
    return new Map(rows.map((row) => [row.user_id, row.user_seq]));
  }

  async currentState(keys: readonly { roomNid: number; type: string; stateKey: string }[]): Promise<EarlierEvent[]> {
    if (keys.length === 0) return [];
    const { rows } = await this.db.query<EarlierEvent & Record<string, unknown>>({
      name: 'append-current-state',
      text: `
        SELECT ${EARLIER_COLUMNS}
        FROM unnest($1::bigint[], $2::text[], $3::text[]) AS k(room_nid, type, state_key)
        CROSS JOIN LATERAL (
          SELECT event_position FROM sync.state_log s
          WHERE s.room_nid = k.room_nid AND s.type = k.type AND s.state_key = k.state_key
          ORDER BY position DESC LIMIT 1) AS latest
        JOIN sync.timeline t ON t.position = latest.event_position`,
      values: [keys.map((key) => key.roomNid), keys.map((key) => key.type), keys.map((key) => key.stateKey)],
    });
    return rows;
  }

  async events(eventIds: readonly string[]): Promise<EarlierEvent[]> {
    if (eventIds.length === 0) return [];
    const { rows } = await this.db.query<EarlierEvent & Record<string, unknown>>({
      name: 'append-events',
      text: `SELECT ${EARLIER_COLUMNS} FROM sync.timeline t WHERE t.event_id = ANY($1)`,
      values: [eventIds],
    });
    return rows;
  }

  async replacing(eventIds: readonly string[]): Promise<EarlierEvent[]> {
    if (eventIds.length === 0) return [];
    const { rows } = await this.db.query<EarlierEvent & Record<string, unknown>>({
      name: 'append-replacing',
      text: `SELECT ${EARLIER_COLUMNS}, t.replaces_state AS "replacesState" FROM sync.timeline t
        WHERE t.replaces_state = ANY($1)`,
      values: [eventIds],
    });
    return rows;
  }

  async saveCursors(epoch: number, roomCursor: number, userCursor: number): Promise<void> {
    await this.db.query({
      name: 'save-cursors',
      text: 'UPDATE sync.appender SET room_cursor = $2, user_cursor = $3 WHERE epoch = $1',
      values: [epoch, roomCursor, userCursor],
    });
  }

  async roomSeqs(roomIds: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await this.db.query<{ room_id: string; room_seq: number }>({
      name: 'room-seqs',
      text: 'SELECT room_id, room_seq FROM sync.rooms WHERE room_id = ANY($1)',
      values: [roomIds],
    });
    return new Map(rows.map((row) => [row.room_id, row.room_seq]));
  }

  isAway(error: unknown): boolean {
    return isConnectionError(error);
  }
}
