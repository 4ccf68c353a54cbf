import type { Queryable } from '@ganglion/database';
import { type Pdu, type RoomEvent, roomVersionRules, stateTuple } from '@ganglion/protocol';
import type { RoomMembership, RoomStore, Transaction } from '../domain/ports.js';
import { RoomHead, type StateEntry } from '../domain/room-head.js';

interface RoomRow extends Record<string, unknown> {
  room_nid: number;
  room_id: string;
  room_version: string;
  version: number;
  state_nid: number;
  chain_length: number;
  extremities: number[];
}

interface StateRow extends Record<string, unknown> {
  type: string;
  state_key: string;
  event_nid: number;
  event_id: string;
  membership: string | null;
  redacted: boolean;
  pdu: string | null;
}

const LOAD_ROOM = `
  SELECT r.room_nid, r.room_id, r.room_version, r.version, r.state_nid, s.chain_length, r.extremities
  FROM room_server.rooms r JOIN room_server.states s USING (state_nid)
  WHERE r.room_id = $1`;

/** Memberships come without their events: a large room has many, and rules look at few. */
const LOAD_STATE = `
  SELECT c.type, c.state_key, c.event_nid, e.event_id, c.membership,
    e.redacted_by_nid IS NOT NULL AS redacted,
    CASE WHEN c.type <> 'm.room.member' THEN e.pdu END AS pdu
  FROM room_server.current_state c JOIN room_server.events e USING (event_nid)
  WHERE c.room_nid = $1`;

const LOAD_EXTREMITIES = `
  SELECT event_nid AS nid, event_id AS "eventId", depth FROM room_server.events WHERE event_nid = ANY($1)`;

/** Loads rooms and events from PostgreSQL. */
export class PostgresRoomStore implements RoomStore {
  constructor(private readonly db: Queryable & { transaction: Snapshots['transaction'] }) {}

  async loadHead(roomId: string): Promise<RoomHead | undefined> {
    return this.db.transaction((tx) => loadHead(tx, roomId), { isolation: 'repeatable read' });
  }

  async loadEvents(head: RoomHead, entries: readonly Pick<StateEntry, 'nid' | 'event'>[]): Promise<void> {
    const missing = entries.filter((entry) => entry.event === undefined);
    if (missing.length === 0) return;
    const { rows } = await this.db.query<{ event_nid: number; event_id: string; pdu: string }>({
      name: 'load-events',
      text: 'SELECT event_nid, event_id, pdu FROM room_server.events WHERE event_nid = ANY($1)',
      values: [missing.map((entry) => entry.nid)],
    });
    const byNid = new Map(rows.map((row) => [row.event_nid, roomEvent(head.roomId, row.event_id, row.pdu)]));
    for (const entry of missing) {
      const event = byNid.get(entry.nid);
      if (event !== undefined) entry.event = event;
    }
  }

  async currentVersion(roomNid: number): Promise<number | undefined> {
    const { rows } = await this.db.query<{ version: number }>({
      name: 'current-version',
      text: 'SELECT version FROM room_server.rooms WHERE room_nid = $1',
      values: [roomNid],
    });
    return rows[0]?.version;
  }

  async listMemberships(userId: string, memberships: readonly string[]): Promise<RoomMembership[]> {
    const { rows } = await this.db.query<RoomMembership & Record<string, unknown>>({
      name: 'list-memberships',
      text: `SELECT r.room_id AS "roomId", c.membership FROM room_server.current_state c
        JOIN room_server.rooms r USING (room_nid)
        WHERE c.type = 'm.room.member' AND c.state_key = $1 AND c.membership = ANY($2)`,
      values: [userId, memberships],
    });
    return rows;
  }

  async findTransaction(roomNid: number, { userId, deviceId, scope, txnId }: Transaction) {
    const { rows } = await this.db.query<{ event_id: string; room_seq: number }>({
      name: 'find-transaction',
      text: `SELECT e.event_id, e.room_seq FROM room_server.transactions t JOIN room_server.events e USING (event_nid)
        WHERE t.room_nid = $1 AND t.user_id = $2 AND t.device_id = $3 AND t.scope = $4 AND t.txn_id = $5`,
      values: [roomNid, userId, deviceId, scope, txnId],
    });
    const row = rows[0];
    return row && { eventId: row.event_id, roomSeq: row.room_seq };
  }

  async findEvent(roomNid: number, eventId: string): Promise<RoomEvent | undefined> {
    const { rows } = await this.db.query<{ room_id: string; pdu: string }>({
      name: 'find-event',
      text: `SELECT r.room_id, e.pdu FROM room_server.events e JOIN room_server.rooms r USING (room_nid)
        WHERE e.event_id = $1 AND e.room_nid = $2 AND e.status = 0`,
      values: [eventId, roomNid],
    });
    const row = rows[0];
    return row && roomEvent(row.room_id, eventId, row.pdu);
  }
}

interface Snapshots {
  transaction<T>(run: (tx: Queryable) => Promise<T>, options?: { isolation: 'repeatable read' }): Promise<T>;
}

/** An accepted event from its stored text. */
function roomEvent(roomId: string, eventId: string, pdu: string): RoomEvent {
  return { eventId, roomId, pdu: JSON.parse(pdu) as Pdu, rejected: false };
}

async function loadHead(tx: Queryable, roomId: string): Promise<RoomHead | undefined> {
  const { rows } = await tx.query<RoomRow>({ name: 'load-room', text: LOAD_ROOM, values: [roomId] });
  const room = rows[0];
  if (room === undefined) return undefined;
  const rules = roomVersionRules(room.room_version);
  if (rules === undefined) throw new Error(`room ${roomId} has the unknown version ${room.room_version}`);
  const head = new RoomHead(room.room_nid, room.room_id, rules);
  head.version = room.version;
  head.stateNid = room.state_nid;
  head.chainLength = room.chain_length;
  await loadState(tx, head);
  const extremities = await tx.query<{ nid: number; eventId: string; depth: number }>({
    name: 'load-extremities',
    text: LOAD_EXTREMITIES,
    values: [room.extremities],
  });
  head.extremities = extremities.rows;
  return head;
}

async function loadState(tx: Queryable, head: RoomHead): Promise<void> {
  const { rows } = await tx.query<StateRow>({ name: 'load-state', text: LOAD_STATE, values: [head.nid] });
  for (const { type, state_key, event_nid, event_id, membership, redacted, pdu } of rows) {
    head.state.set(stateTuple(type, state_key), {
      nid: event_nid,
      eventId: event_id,
      redacted,
      ...(membership !== null && { membership }),
      ...(pdu !== null && { event: roomEvent(head.roomId, event_id, pdu) }),
    });
  }
}
