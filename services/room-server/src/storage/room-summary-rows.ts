import type { Database } from '@ganglion/database';
import type { SummarisedRoom, SummarySource } from '../domain/room-summaries.js';
import { CONTENT, PDU, SUMMARY_TYPES } from './public-rooms.js';

/** A list of children is part of one answer, and of one message between services. */
const MOST_CHILDREN = 1_000;

const ROOMS = `
  SELECT r.room_id AS "roomId", r.room_version AS "roomVersion", m.membership,
    (SELECT coalesce(sum(h.joined), 0) FROM room_server.room_hosts h WHERE h.room_nid = r.room_nid)::integer AS members,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('type', e.type, 'content', ${CONTENT})), '[]')
      FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid)
      WHERE c.room_nid = r.room_nid AND c.type = ANY($3) AND c.state_key = '') AS state,
    (SELECT coalesce(jsonb_agg(child.event), '[]') FROM (
      SELECT jsonb_build_object('type', e.type, 'state_key', e.state_key, 'sender', e.sender,
        'origin_server_ts', e.origin_server_ts, 'content', ${PDU} -> 'content') AS event
      FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid)
      WHERE c.room_nid = r.room_nid AND c.type = 'm.space.child' AND e.redacted_by_nid IS NULL
      ORDER BY e.event_nid LIMIT ${MOST_CHILDREN}) AS child) AS children
  FROM room_server.rooms r
  LEFT JOIN room_server.state_entries m
    ON m.room_nid = r.room_nid AND m.type = 'm.room.member' AND m.state_key = $2
  WHERE r.room_id = ANY($1)`;

/** Reads what rooms show of themselves. */
export class RoomSummaryRows implements SummarySource {
  constructor(private readonly db: Database) {}

  async rooms(roomIds: readonly string[], userId: string): Promise<SummarisedRoom[]> {
    const { rows } = await this.db.query<SummarisedRoom & Record<string, unknown>>({
      name: 'room-summaries',
      text: ROOMS,
      values: [roomIds, userId, SUMMARY_TYPES],
    });
    return rows.map((row) => ({ ...row, membership: row.membership ?? undefined }));
  }
}
