import type { Queryable } from '@ganglion/database';
import type { HistoryVisibility } from '@ganglion/protocol';
import type { ServableEvent } from '../domain/federation/servable-event.js';
import type { GraphNode } from '../domain/graph/event-graph.js';
import type { FederationRows } from '../domain/ports/federation-rows.js';
import { statusOf, visibilityOf } from './event-rows.js';
import { graphNode, NODE, type NodeRow } from './graph-rows.js';

/** What was rejected, or was not judged, is nobody's business. */
const SERVABLE = `
  SELECT e.event_nid AS nid, e.event_id AS "eventId", r.room_id AS "roomId", e.sender, e.status, e.key_nid IS NOT NULL AS "isState",
    e.redacted_by_nid IS NOT NULL AS "isRedacted", e.visibility, e.previous_visibility AS "previousVisibility",
    e.state_before_nid AS "stateBeforeNid", e.state_after_nid AS "stateAfterNid", e.pdu AS json
  FROM room_server.events e JOIN room_server.rooms r USING (room_nid)
  WHERE e.room_nid = $1 AND e.event_nid = ANY($2) AND e.status NOT IN (1, 4)`;

/** Mostly, what an event follows stands right before it. */
const AROUND = `
  WITH asked AS (
    SELECT ${NODE} FROM room_server.events WHERE room_nid = $1 AND event_nid = ANY($2)
  ), latest AS (
    SELECT max(room_seq) AS seq FROM asked
  )
  SELECT * FROM asked
  UNION
  SELECT ${NODE} FROM room_server.events WHERE room_nid = $1
    AND room_seq BETWEEN (SELECT seq - $3 FROM latest) AND (SELECT CASE WHEN seq < 0 THEN seq + $3 ELSE seq END FROM latest)`;

const AUTH_CHAIN = `
  WITH RECURSIVE chain (nid) AS (
    SELECT auth.nid FROM room_server.events e CROSS JOIN unnest(e.auth_nids) AS auth(nid)
    WHERE e.room_nid = $1 AND e.event_nid = ANY($2)
    UNION
    SELECT auth.nid FROM chain JOIN room_server.events e ON e.room_nid = $1 AND e.event_nid = chain.nid
    CROSS JOIN unnest(e.auth_nids) AS auth(nid)
  )
  SELECT nid FROM chain`;

/**
 * Events come nearly in the order of their times: the place is found by halving, and what is out of order by looking around
 * it. Where events were purged, the next one stands for them.
 */
const NEAREST = (backwards: boolean) => `
  WITH RECURSIVE search (low, high) AS (
    SELECT min(room_seq), max(room_seq) FROM room_server.events WHERE room_nid = $1
    UNION ALL
    SELECT CASE WHEN middle.ts < $2 THEN middle.seq + 1 ELSE low END,
      CASE WHEN middle.ts < $2 THEN high ELSE (low + high) / 2 END
    FROM search JOIN LATERAL (
      SELECT room_seq AS seq, origin_server_ts AS ts FROM room_server.events
      WHERE room_nid = $1 AND room_seq >= (low + high) / 2 ORDER BY room_seq LIMIT 1
    ) AS middle ON true
    WHERE low < high
  ), place AS (SELECT max(low) AS seq FROM search), near AS (
    (SELECT event_id, origin_server_ts, status, room_seq FROM room_server.events
      WHERE room_nid = $1 AND room_seq >= (SELECT seq FROM place) ORDER BY room_seq LIMIT 500)
    UNION ALL
    (SELECT event_id, origin_server_ts, status, room_seq FROM room_server.events
      WHERE room_nid = $1 AND room_seq < (SELECT seq FROM place) ORDER BY room_seq DESC LIMIT 500)
  )
  SELECT event_id AS "eventId", origin_server_ts AS ts FROM near
  WHERE status = 0
    AND origin_server_ts ${backwards ? '<= $2 ORDER BY origin_server_ts DESC, room_seq DESC' : '>= $2 ORDER BY origin_server_ts, room_seq'}
  LIMIT 1`;
const NEAREST_BEFORE = NEAREST(true);
const NEAREST_AFTER = NEAREST(false);

/** Reads from PostgreSQL what other servers ask for. */
export class PostgresFederationRows implements FederationRows {
  constructor(private readonly db: Queryable) {}

  async isInRoom(roomNid: number, serverName: string): Promise<boolean> {
    const { rows } = await this.db.query<{ any: boolean }>({
      name: 'server-is-in-room',
      text: `SELECT EXISTS (
        SELECT FROM room_server.room_hosts WHERE room_nid = $1 AND server_name = $2 AND joined > 0) AS any`,
      values: [roomNid, serverName],
    });
    return rows[0]!.any;
  }

  async roomsWith(serverName: string, roomIds: readonly string[]) {
    const { rows } = await this.db.query<{ roomId: string; acl: string | null }>({
      name: 'rooms-with-server',
      text: `SELECT r.room_id AS "roomId", e.pdu AS acl
        FROM room_server.rooms r JOIN room_server.room_hosts h ON h.room_nid = r.room_nid AND h.server_name = $1
        LEFT JOIN room_server.state_entries s
          ON s.room_nid = r.room_nid AND s.type = 'm.room.server_acl' AND s.state_key = ''
        LEFT JOIN room_server.events e ON e.room_nid = s.room_nid AND e.event_nid = s.event_nid
        WHERE r.room_id = ANY($2) AND r.participating AND h.joined > 0`,
      values: [serverName, roomIds],
    });
    return rows.map(({ roomId, acl }) => ({ roomId, acl: acl ?? undefined }));
  }

  async roomsOf(eventIds: readonly string[]): Promise<string[]> {
    const { rows } = await this.db.query<{ roomId: string }>({
      name: 'rooms-of-events',
      text: `SELECT DISTINCT r.room_id AS "roomId" FROM room_server.events e JOIN room_server.rooms r USING (room_nid)
        WHERE e.event_id = ANY($1) AND r.participating`,
      values: [eventIds],
    });
    return rows.map(({ roomId }) => roomId);
  }

  async events(roomNid: number, nids: readonly number[]): Promise<ServableEvent[]> {
    const { rows } = await this.db.query<ServableRow>({
      name: 'servable-events',
      text: SERVABLE,
      values: [roomNid, nids],
    });
    return rows.map(servableEvent);
  }

  async around(roomNid: number, nids: readonly number[], reach: number): Promise<GraphNode[]> {
    const { rows } = await this.db.query<NodeRow>({
      name: 'nodes-around',
      text: AROUND,
      values: [roomNid, nids, reach],
    });
    return rows.map(graphNode);
  }

  async authChain(roomNid: number, nids: readonly number[]): Promise<number[]> {
    const { rows } = await this.db.query<{ nid: number }>({
      name: 'auth-chain',
      text: AUTH_CHAIN,
      values: [roomNid, nids],
    });
    return rows.map(({ nid }) => nid);
  }

  async keysButMembers(roomNid: number): Promise<number[]> {
    const { rows } = await this.db.query<{ nid: number }>({
      name: 'keys-but-members',
      text: `SELECT key_nid AS nid FROM room_server.state_entries WHERE room_nid = $1 AND type <> 'm.room.member'`,
      values: [roomNid],
    });
    return rows.map(({ nid }) => nid);
  }

  async firstMembers(roomNid: number, limit: number): Promise<number[]> {
    const { rows } = await this.db.query<{ nid: number }>({
      name: 'first-members',
      text: `SELECT key_nid AS nid FROM room_server.state_entries
        WHERE room_nid = $1 AND type = 'm.room.member' AND membership = 'join' ORDER BY key_nid LIMIT $2`,
      values: [roomNid, limit],
    });
    return rows.map(({ nid }) => nid);
  }

  async nearest(roomNid: number, ts: number, backwards: boolean) {
    const { rows } = await this.db.query<{ eventId: string; ts: number }>({
      name: backwards ? 'nearest-before' : 'nearest-after',
      text: backwards ? NEAREST_BEFORE : NEAREST_AFTER,
      values: [roomNid, ts],
    });
    return rows[0];
  }
}

interface ServableRow extends Record<string, unknown> {
  readonly nid: number;
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  readonly status: number;
  readonly isState: boolean;
  readonly isRedacted: boolean;
  readonly visibility: number | null;
  readonly previousVisibility: number | null;
  readonly stateBeforeNid: number | null;
  readonly stateAfterNid: number | null;
  readonly json: string;
}

function servableEvent(row: ServableRow): ServableEvent {
  const { visibility, previousVisibility, stateBeforeNid, stateAfterNid } = row;
  return {
    ...row,
    status: statusOf(row.status),
    visibility: visibilityOf(visibility ?? 1) as HistoryVisibility,
    previousVisibility:
      previousVisibility === null ? undefined : (visibilityOf(previousVisibility) as HistoryVisibility),
    stateBeforeNid: stateBeforeNid ?? undefined,
    stateAfterNid: stateAfterNid ?? undefined,
  };
}
