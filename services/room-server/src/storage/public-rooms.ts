import type { Queryable } from '@ganglion/database';

export interface PublicRoomsQuery {
  readonly limit: number;
  readonly offset: number;
  readonly searchTerm: string | undefined;
  /** Room types to include, an empty string for rooms without one; all when empty. */
  readonly roomTypes: readonly string[];
}

export interface PublicRoomRow {
  readonly roomId: string;
  readonly members: number;
  readonly total: number;
  /** The events of the room's summary: type, content. */
  readonly state: readonly { readonly type: string; readonly content: Record<string, unknown> }[];
}

/** The pieces of state that the directory shows. */
export const SUMMARY_TYPES = [
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.create',
  'm.room.encryption',
];

/** PostgreSQL has no U+0000 in its text, and events may have. */
export const PDU = `replace(e.pdu, '\\u0000', '\\ufffd')::jsonb`;

/** These types keep what the directory shows of them when they are redacted. */
export const CONTENT = `CASE
  WHEN e.redacted_by_nid IS NULL OR e.type IN ('m.room.create', 'm.room.join_rules', 'm.room.history_visibility')
  THEN ${PDU} -> 'content' ELSE '{}' END`;

/** Whether a piece of a room's state is as it should be; PostgreSQL looks only where a question asks for it. */
const hasState = (types: string, condition: string) => `EXISTS (
      SELECT FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid)
        CROSS JOIN LATERAL (SELECT ${CONTENT} AS content) shown
      WHERE c.room_nid = r.room_nid AND c.type IN (${types}) AND c.state_key = '' AND ${condition})`;

/** What a page shows is read for its rooms only. */
const LIST = `
  WITH published AS (
    SELECT r.room_nid, r.room_id,
      (SELECT coalesce(sum(h.joined), 0) FROM room_server.room_hosts h WHERE h.room_nid = r.room_nid)::integer AS members
    FROM room_server.rooms r
    WHERE r.published AND NOT r.blocked
      AND ($2::text IS NULL OR ${hasState(
        "'m.room.name', 'm.room.topic', 'm.room.canonical_alias'",
        "strpos(lower(concat_ws(' ', content ->> 'name', content ->> 'topic', content ->> 'alias')), lower($2)) > 0",
      )})
      AND (cardinality($3::text[]) = 0 OR ${hasState("'m.room.create'", "coalesce(content ->> 'type', '') = ANY($3)")})
  ), page AS (
    SELECT room_nid, room_id, members, count(*) OVER () AS total
    FROM published WHERE members > 0 ORDER BY members DESC, room_nid LIMIT $4 OFFSET $5
  )
  SELECT p.room_id AS "roomId", p.members, p.total,
    (SELECT jsonb_agg(jsonb_build_object('type', e.type, 'content', ${CONTENT}))
      FROM room_server.state_entries c JOIN room_server.events e USING (room_nid, event_nid)
      WHERE c.room_nid = p.room_nid AND c.type = ANY($1) AND c.state_key = '') AS state
  FROM page p ORDER BY p.members DESC, p.room_nid`;

/** Published rooms that somebody is in, with what the directory shows of them, most members first. */
export async function listPublicRooms(db: Queryable, query: PublicRoomsQuery): Promise<PublicRoomRow[]> {
  const { rows } = await db.query<PublicRoomRow & Record<string, unknown>>({
    name: 'public-rooms',
    text: LIST,
    values: [SUMMARY_TYPES, query.searchTerm ?? null, query.roomTypes, query.limit, query.offset],
  });
  return rows;
}
