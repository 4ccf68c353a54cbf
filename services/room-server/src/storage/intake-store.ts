import { MatrixError } from '@ganglion/contracts';
import type { Database } from '@ganglion/database';
import { type JsonObject, jsonCodec, type Pdu, redactContent, roomVersionRules } from '@ganglion/protocol';
import type { DescribableRoom } from '../domain/intake/describe-room.js';
import { type Incoming, incomingOf } from '../domain/intake/examine.js';
import type { HistoryGap, IntakeStore, NumberSource } from '../domain/ports/rooms.js';
import { blockedBy, tellNewRoom } from './room-blocks.js';
import { parseExtremities, rulesOf } from './room-rows.js';

/** So many of those that waited get their places together. */
const MAX_RELEASED = 100;

/** Of an event, in any room version: as pairs of an id and hashes, or as ids alone. PostgreSQL has no U+0000 in its text, and events may have. */
const PREV_IDS = `
  SELECT CASE json_typeof(prev) WHEN 'array' THEN prev ->> 0 ELSE prev #>> '{}' END
  FROM json_array_elements(replace(w.pdu, '\\u0000', '\\ufffd')::json -> 'prev_events') AS prev`;

/**
 * Events that wait for nothing any more. What authorises them has been judged, what they follow has a place: an outlier, as the
 * beginning of a room that we came to later, may never get one.
 */
const RELEASED = `
  SELECT w.event_id AS "eventId", w.pdu AS json
  FROM (
    SELECT m.event_nid, array_agg(m.missing_event_id) FILTER (WHERE e.status = 3 AND e.state_after_nid IS NULL) AS unplaced
    FROM room_server.missing_events m
    LEFT JOIN room_server.events e ON e.event_id = m.missing_event_id AND e.room_nid = m.room_nid
    WHERE m.room_nid = $1 GROUP BY m.event_nid HAVING bool_and(coalesce(e.status <> 4, false))
  ) AS judged
  JOIN room_server.events w ON w.room_nid = $1 AND w.event_nid = judged.event_nid AND w.status = 4
  WHERE w.event_id <> ALL($2)
    AND (unplaced IS NULL OR NOT EXISTS (SELECT FROM (${PREV_IDS}) AS prevs(id) WHERE prevs.id = ANY(unplaced)))
  LIMIT ${MAX_RELEASED}`;

const OPEN_ROOM = `
  INSERT INTO room_server.rooms AS r (room_nid, room_id, room_version, version, participating)
  VALUES ($1, $2, $3, 0, false) ON CONFLICT (room_id)`;

/** Whoever has loaded the room goes by rules that are not its own, and has to find that out before committing anything. */
const REPLACE_VERSION = `
  DO UPDATE SET room_version = EXCLUDED.room_version, version = r.version + 1
  WHERE r.state_nid IS NULL AND r.room_version <> EXCLUDED.room_version`;

/** What of a room decides on what other servers send: two entries of its state, and not all of them. */
const DESCRIBE = `
  SELECT r.room_id, r.room_version, r.participating, r.blocked, r.extremities, s.type, e.pdu, e.redacted_by_nid IS NOT NULL AS redacted,
    EXISTS (
      SELECT FROM room_server.room_hosts h WHERE h.room_nid = r.room_nid AND h.server_name = $2 AND h.joined > 0
    ) AS server_joined
  FROM room_server.rooms r
  LEFT JOIN room_server.state_entries s ON s.room_nid = r.room_nid AND s.event_nid IS NOT NULL
    AND s.type IN ('m.room.server_acl', 'm.room.policy') AND s.state_key = ''
  LEFT JOIN room_server.events e ON e.room_nid = s.room_nid AND e.event_nid = s.event_nid
  WHERE r.room_id = ANY($1)`;

interface DescribedRow extends Record<string, unknown> {
  room_id: string;
  room_version: string;
  participating: boolean;
  blocked: boolean;
  extremities: string;
  type: string | null;
  pdu: string;
  redacted: boolean;
  server_joined: boolean;
}

const GAPS = `
  SELECT e.event_id AS "eventId", e.sender, e.depth, array_agg(m.missing_event_id) AS "missingEventIds"
  FROM room_server.missing_events m
  JOIN room_server.events e ON e.room_nid = m.room_nid AND e.event_nid = m.event_nid AND e.status = 0
  LEFT JOIN room_server.events p ON p.event_id = m.missing_event_id
  WHERE m.room_nid = $1 AND e.depth <= $2 AND p.state_after_nid IS NULL
  GROUP BY e.event_nid, e.event_id, e.sender, e.depth ORDER BY e.depth DESC, e.event_nid DESC LIMIT $3`;

/** What the intake of events keeps beside the graph. */
export class PostgresIntakeStore implements IntakeStore {
  constructor(
    private readonly db: Database,
    private readonly numbers: NumberSource,
  ) {}

  async openRoom(roomId: string, roomVersion: string, isProven = false): Promise<void> {
    if (roomVersionRules(roomVersion) === undefined) {
      throw new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', `Room version ${roomVersion} is not supported`);
    }
    const { rowCount } = await this.db.query({
      name: isProven ? 'open-proven-room' : 'open-room',
      text: `${OPEN_ROOM} ${isProven ? REPLACE_VERSION : 'DO NOTHING'}`,
      values: [await this.numbers.allocate(), roomId, roomVersion],
    });
    await tellNewRoom(this.db, roomId, rowCount === 1);
  }

  async isBlocked(roomId: string): Promise<boolean> {
    return (await blockedBy(this.db, roomId)) !== undefined;
  }

  async describableRooms(roomIds: readonly string[], serverName: string): Promise<DescribableRoom[]> {
    const values = [roomIds, serverName];
    const { rows } = await this.db.query<DescribedRow>({ name: 'describe-rooms', text: DESCRIBE, values });
    return [...Map.groupBy(rows, (row) => row.room_id).values()].map(describable);
  }

  async listServers(roomId: string): Promise<string[]> {
    const { rows } = await this.db.query<{ server_name: string }>({
      name: 'room-servers',
      text: `SELECT h.server_name FROM room_server.rooms r JOIN room_server.room_hosts h USING (room_nid)
        WHERE r.room_id = $1 AND h.joined > 0 ORDER BY h.joined DESC, h.server_name`,
      values: [roomId],
    });
    return rows.map((row) => row.server_name);
  }

  async historyGaps(roomNid: number, maxDepth: number, limit: number): Promise<HistoryGap[]> {
    const { rows } = await this.db.query<HistoryGap & Record<string, unknown>>({
      name: 'history-gaps',
      text: GAPS,
      values: [roomNid, maxDepth, limit],
    });
    return rows;
  }

  async released(roomId: string, roomNid: number, but: readonly string[]): Promise<Incoming[]> {
    const { rows } = await this.db.query<{ eventId: string; json: string }>({
      name: 'released-events',
      text: RELEASED,
      values: [roomNid, but],
    });
    return rows.map(({ eventId, json }) => {
      return { ...incomingOf(eventId, roomId, jsonCodec(json).parse(json) as Pdu, json), isKept: true };
    });
  }
}

/** A room from its rows: one for each entry of the state that was asked for. */
function describable(rows: readonly DescribedRow[]): DescribableRoom {
  const { room_id: roomId, room_version: roomVersion, participating, blocked, extremities, server_joined } = rows[0]!;
  return {
    ...{ roomId, roomVersion, participating, blocked, serverJoined: server_joined },
    forwardExtremityIds: parseExtremities(extremities).map(({ eventId }) => eventId),
    serverAcl: shownContent(rows, 'm.room.server_acl'),
    policy: shownContent(rows, 'm.room.policy'),
  };
}

function shownContent(rows: readonly DescribedRow[], type: string): JsonObject | undefined {
  const row = rows.find((each) => each.type === type);
  if (row === undefined) return undefined;
  const { content } = JSON.parse(row.pdu) as Pdu;
  return row.redacted ? redactContent(type, content, rulesOf(row.room_id, row.room_version)) : content;
}
