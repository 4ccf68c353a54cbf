import type { LoggedEvent, RoomEvents, RoomHead, StateChange, TransactionKey } from '@ganglion/contracts/room';
import type { Queryable } from '@ganglion/database';

interface LogRow extends Record<string, unknown> {
  room_seq: number;
  event_id: string;
  type: string;
  state_key: string | null;
  pdu: string;
  redacts_event_id: string | null;
  changes: StateChange[] | null;
  user_id: string | null;
  device_id: string | null;
  scope: string | null;
  txn_id: string | null;
}

const READ = `
  SELECT e.room_seq, e.event_id, e.type, e.state_key, e.pdu, e.redacts_event_id, c.changes,
    t.user_id, t.device_id, t.scope, t.txn_id
  FROM room_server.events e
  LEFT JOIN room_server.state_changes c USING (event_nid)
  LEFT JOIN room_server.transactions t USING (event_nid)
  WHERE e.room_nid = (SELECT room_nid FROM room_server.rooms WHERE room_id = $1) AND e.room_seq > $2
  ORDER BY e.room_seq LIMIT $3`;

/**
 * Rooms by their number, of those committed to by transactions from the cursor on. The next cursor is the oldest
 * transaction that still runs: whatever commits later than this listing has that number or a higher one.
 */
const HEADS = `
  SELECT room_nid, room_id, version, (SELECT pg_snapshot_xmin(pg_current_snapshot())::text) AS cursor
  FROM room_server.rooms
  WHERE updated_xid >= $1::text::xid8 AND room_nid > $2 AND version > 0
  ORDER BY room_nid LIMIT $3`;

/** The log of committed events, as consumers read it to catch up. */
export class EventLog {
  constructor(private readonly db: Queryable) {}

  /** Events of a room after a room_seq; undefined when there is no such room. */
  async read(roomId: string, afterSeq: number, limit: number): Promise<{ events: RoomEvents; more: boolean }> {
    const room = await this.db.query<{ room_version: string }>({
      name: 'room-version',
      text: 'SELECT room_version FROM room_server.rooms WHERE room_id = $1',
      values: [roomId],
    });
    const { rows } = await this.db.query<LogRow>({
      name: 'read-log',
      text: READ,
      values: [roomId, afterSeq, limit + 1],
    });
    const events = rows.slice(0, limit).map(loggedEvent);
    return { events: { roomId, roomVersion: room.rows[0]?.room_version ?? '', events }, more: rows.length > limit };
  }

  async heads(sinceCursor: number, afterRoom: number, limit: number) {
    const { rows } = await this.db.query<{ room_nid: number; room_id: string; version: number; cursor: string }>({
      name: 'list-heads',
      text: HEADS,
      values: [String(sinceCursor), afterRoom, limit + 1],
    });
    const page = rows.slice(0, limit);
    const heads: RoomHead[] = page.map((row) => ({ roomId: row.room_id, roomSeq: row.version }));
    const cursor = Number(rows[0]?.cursor ?? sinceCursor);
    return { heads, cursor, nextRoom: rows.length > limit ? page.at(-1)?.room_nid : undefined };
  }
}

function loggedEvent(row: LogRow): LoggedEvent {
  return {
    roomSeq: row.room_seq,
    eventId: row.event_id,
    pduJson: row.pdu,
    stateChanges: row.changes ?? ownChange(row),
    transaction: transactionKey(row),
    redactedEventId: row.redacts_event_id ?? undefined,
  };
}

function ownChange({ type, state_key, event_id }: LogRow): StateChange[] {
  return state_key === null ? [] : [{ type, stateKey: state_key, eventId: event_id }];
}

function transactionKey({ user_id, device_id, scope, txn_id }: LogRow): TransactionKey | undefined {
  if (user_id === null || device_id === null || scope === null || txn_id === null) return undefined;
  return { userId: user_id, deviceId: device_id, scope, txnId: txn_id };
}
