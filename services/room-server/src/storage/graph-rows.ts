import type { Queryable } from '@ganglion/database';
import { roomVersionRules } from '@ganglion/protocol';
import type { GraphNode, StoredBody } from '../domain/graph/event-graph.js';
import type { GraphRows } from '../domain/ports/graph-rows.js';
import { statusOf } from './event-rows.js';
import { roomEvent } from './room-rows.js';

export interface NodeRow extends Record<string, unknown> {
  event_nid: number;
  event_id: string;
  status: number;
  key_nid: number | null;
  prev_nids: number[];
  auth_nids: number[];
  depth: number;
  room_seq: number | null;
  state_before_nid: number | null;
  state_after_nid: number | null;
}

export const NODE = `event_nid, event_id, status, key_nid, prev_nids, auth_nids, depth, room_seq, state_before_nid, state_after_nid`;
const REJECTED = 1;

/** Reads the graph of events from PostgreSQL. */
export class PostgresGraphRows implements GraphRows {
  constructor(private readonly db: Queryable) {}

  async nodes(roomNid: number, nids: readonly number[]): Promise<GraphNode[]> {
    const { rows } = await this.db.query<NodeRow>({
      name: 'graph-nodes',
      text: `SELECT ${NODE} FROM room_server.events WHERE room_nid = $1 AND event_nid = ANY($2)`,
      values: [roomNid, nids],
    });
    return rows.map(graphNode);
  }

  async find(roomNid: number, eventIds: readonly string[]): Promise<GraphNode[]> {
    const { rows } = await this.db.query<NodeRow>({
      name: 'find-nodes',
      text: `SELECT ${NODE} FROM room_server.events WHERE event_id = ANY($2) AND room_nid = $1`,
      values: [roomNid, eventIds],
    });
    return rows.map(graphNode);
  }

  async bodies(roomNid: number, nids: readonly number[]): Promise<StoredBody[]> {
    type Row = { nid: number; event_id: string; room_id: string; room_version: string; status: number; pdu: string };
    const { rows } = await this.db.query<Row>({
      name: 'event-bodies',
      text: `SELECT e.event_nid AS nid, e.event_id, r.room_id, r.room_version, e.status, e.pdu
        FROM room_server.events e JOIN room_server.rooms r USING (room_nid)
        WHERE e.room_nid = $1 AND e.event_nid = ANY($2)`,
      values: [roomNid, nids],
    });
    return rows.map(({ nid, event_id, room_id, room_version, status, pdu }) => ({
      ...{ nid, length: pdu.length },
      event: roomEvent(room_id, event_id, pdu, roomVersionRules(room_version), status === REJECTED),
    }));
  }

  async authorisedBy(roomNid: number, authNid: number, below: number, limit: number): Promise<number[]> {
    const { rows } = await this.db.query<{ nid: number }>({
      name: 'authorised-by',
      text: `SELECT event_nid AS nid FROM room_server.auth_edges
        WHERE room_nid = $1 AND auth_nid = $2 AND event_nid < $3 ORDER BY event_nid DESC LIMIT $4`,
      values: [roomNid, authNid, below, limit],
    });
    return rows.map(({ nid }) => nid);
  }
}

export function graphNode(row: NodeRow): GraphNode {
  return {
    ...{ nid: row.event_nid, eventId: row.event_id, status: statusOf(row.status), depth: row.depth },
    roomSeq: row.room_seq ?? undefined,
    ...{ keyNid: row.key_nid ?? undefined, prevNids: row.prev_nids, authNids: row.auth_nids },
    ...{ stateBeforeNid: row.state_before_nid ?? undefined, stateAfterNid: row.state_after_nid ?? undefined },
  };
}
