import type { Queryable } from '@ganglion/database';

export interface StoredEvent {
  readonly eventNid: number;
  readonly eventId: string;
  /** As it was signed. */
  readonly pduJson: string;
  readonly redaction: { readonly eventId: string; readonly pduJson: string; readonly isRedacted: boolean } | undefined;
}

interface EventRow extends Record<string, unknown> {
  eventNid: number;
  eventId: string;
  pduJson: string;
  redactionId: string | null;
  redactionJson: string | null;
  redactionIsRedacted: boolean;
}

const EVENT = `e.event_nid AS "eventNid", e.event_id AS "eventId", e.pdu AS "pduJson",
  r.event_id AS "redactionId", r.pdu AS "redactionJson",
  r.redacted_by_nid IS NOT NULL AS "redactionIsRedacted"`;
const REDACTION = 'LEFT JOIN room_server.events r ON r.event_nid = e.redacted_by_nid';

export interface MembershipInRoom {
  readonly roomNid: number;
  readonly roomVersion: string;
  /** Undefined for whoever never was there. */
  readonly membership: string | undefined;
  /** The member event. */
  readonly eventNid: number | undefined;
  readonly historyVisibility: string | undefined;
}

const MEMBERSHIP = `
  SELECT r.room_nid AS "roomNid", r.room_version AS "roomVersion", m.membership, m.event_nid AS "eventNid", v.pdu AS visibility
  FROM room_server.rooms r
  LEFT JOIN room_server.current_state m
    ON m.room_nid = r.room_nid AND m.type = 'm.room.member' AND m.state_key = $2
  LEFT JOIN room_server.current_state c
    ON c.room_nid = r.room_nid AND c.type = 'm.room.history_visibility' AND c.state_key = ''
  LEFT JOIN room_server.events v ON v.event_nid = c.event_nid
  WHERE r.room_id = $1`;

const CURRENT = `
  SELECT ${EVENT}
  FROM room_server.current_state c JOIN room_server.events e USING (event_nid) ${REDACTION}
  WHERE c.room_nid = $1 AND ($2::text IS NULL OR c.type = $2) AND ($3::text IS NULL OR c.state_key = $3)
  ORDER BY e.room_seq`;

const EVENTS_BY_ID = `
  SELECT ${EVENT}, rooms.room_version AS version
  FROM room_server.rooms JOIN room_server.events e USING (room_nid) ${REDACTION}
  WHERE rooms.room_id = $1 AND e.event_id = ANY($2) AND e.status = 0`;

/** Walks from a state to its snapshot; of each (type, state key) the entry closest to the state counts. */
const AT_STATE = `
  WITH RECURSIVE chain AS (
    SELECT s.*, 0 AS distance FROM room_server.states s WHERE s.state_nid = $1
    UNION ALL
    SELECT s.*, chain.distance + 1 FROM room_server.states s JOIN chain ON s.state_nid = chain.base_nid
  ), entries AS (
    SELECT DISTINCT ON (e.type, e.state_key) e.*
    FROM chain, unnest(chain.added_nids) AS added(event_nid) JOIN room_server.events e USING (event_nid)
    WHERE ($2::text IS NULL OR e.type = $2) AND ($3::text IS NULL OR e.state_key = $3)
    ORDER BY e.type, e.state_key, chain.distance, e.room_seq DESC
  )
  SELECT ${EVENT} FROM entries e ${REDACTION}
  WHERE NOT EXISTS (SELECT FROM chain WHERE chain.removed @> jsonb_build_array(jsonb_build_array(e.type, e.state_key)))
  ORDER BY e.room_seq`;

/** Reads the state of rooms, now or at an event. */
export class StateReader {
  constructor(private readonly db: Queryable) {}

  /** Undefined when there is no such room. */
  async membership(roomId: string, userId: string): Promise<MembershipInRoom | undefined> {
    type Row = Omit<MembershipInRoom, 'historyVisibility'> & { visibility: string | null };
    const { rows } = await this.db.query<Row & Record<string, unknown>>({
      name: 'membership-in-room',
      text: MEMBERSHIP,
      values: [roomId, userId],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    const content = row.visibility === null ? undefined : JSON.parse(row.visibility).content;
    return {
      roomNid: row.roomNid,
      roomVersion: row.roomVersion,
      membership: row.membership ?? undefined,
      eventNid: row.eventNid ?? undefined,
      historyVisibility: content?.history_visibility,
    };
  }

  async current(roomNid: number, type?: string, stateKey?: string): Promise<StoredEvent[]> {
    const values = [roomNid, type ?? null, stateKey ?? null];
    const { rows } = await this.db.query<EventRow>({ name: 'current-state', text: CURRENT, values });
    return rows.map(storedEvent);
  }

  /** Accepted events of a room by their ids, and the room's version; those that it does not have are left out. */
  async events(roomId: string, eventIds: readonly string[]): Promise<{ version: string; events: StoredEvent[] }> {
    const { rows } = await this.db.query<EventRow & { version: string }>({
      name: 'events-by-id',
      text: EVENTS_BY_ID,
      values: [roomId, eventIds],
    });
    return { version: rows[0]?.version ?? '', events: rows.map(storedEvent) };
  }

  /** The state before or after an event. */
  async around(eventNid: number, side: 'before' | 'after', type?: string, stateKey?: string): Promise<StoredEvent[]> {
    const { rows } = await this.db.query<{ before: number; after: number }>({
      name: 'states-of-event',
      text: `SELECT state_before_nid AS before, state_after_nid AS after FROM room_server.events WHERE event_nid = $1`,
      values: [eventNid],
    });
    const found = await this.db.query<EventRow>({
      name: 'state-at',
      text: AT_STATE,
      values: [rows[0]?.[side] ?? 0, type ?? null, stateKey ?? null],
    });
    return found.rows.map(storedEvent);
  }
}

function storedEvent(row: EventRow): StoredEvent {
  const { eventNid, eventId, pduJson, redactionId, redactionJson, redactionIsRedacted: isRedacted } = row;
  const redacted = redactionId !== null && redactionJson !== null;
  const redaction = redacted ? { eventId: redactionId, pduJson: redactionJson, isRedacted } : undefined;
  return { eventNid, eventId, pduJson, redaction };
}
