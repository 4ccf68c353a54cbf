import type { LoggedEvent, Purge, RoomEvents, RoomHead, RoomPlace, TransactionKey } from '@ganglion/contracts/room';
import { logCursor, type Queryable, sql, statement } from '@ganglion/database';
import type { StateChange } from '../domain/ports/rooms.js';
import { visible } from '../domain/visible-state.js';
import { visibilityOf } from './event-rows.js';
import { rememberedSlots } from './transaction-keys.js';

interface LogRow extends Record<string, unknown> {
  room_nid: number;
  room_seq: number;
  event_nid: number;
  event_id: string;
  type: string;
  state_key: string | null;
  key_nid: number | null;
  membership: string | null;
  pdu: string;
  visibility: number | null;
  previous_visibility: number | null;
  redacts_event_id: string | null;
  redacted_event_nid: number | null;
  redaction_nid: number | null;
  redaction_id: string | null;
  redaction_pdu: string | null;
  changes: string | null;
  to_state_nid: number | null;
  local_memberships: string | null;
  stripped_state: string | null;
  relay_for: string | null;
  partial_state: boolean | null;
  has_place: boolean;
  user_id: string | null;
  device_id: string | null;
  scope: string | null;
  txn_id: string | null;
}

interface NewsRow extends LogRow {
  readonly room_id: string;
  readonly room_version: string;
}

/**
 * Events of a room in one direction from a number. A redaction that came before its target is told with it; one that came
 * later is told for itself.
 */
const COLUMNS = `
  e.room_nid, e.room_seq, e.event_nid, e.event_id, e.type, e.state_key, e.key_nid, e.membership, e.pdu, e.visibility,
    e.previous_visibility, e.redacts_event_id, target.event_nid AS redacted_event_nid,
    redaction.event_nid AS redaction_nid, redaction.event_id AS redaction_id, redaction.pdu AS redaction_pdu,
    d.changes, d.to_state_nid, d.local_memberships, d.stripped_state, d.relay_for, d.partial_state, e.state_after_nid IS NOT NULL AS has_place,
    t.user_id, t.device_id, t.scope, t.txn_id`;
const BESIDE = (slots: string) => `
  LEFT JOIN room_server.event_details d ON d.room_nid = e.room_nid AND d.event_nid = e.event_nid
  LEFT JOIN room_server.transactions t
    ON t.slot = ANY(${slots}::smallint[]) AND t.room_nid = e.room_nid AND t.txn_key = e.txn_key AND t.event_nid = e.event_nid
  LEFT JOIN room_server.events target ON e.redacts_event_id IS NOT NULL AND target.room_nid = e.room_nid
    AND target.event_id = e.redacts_event_id AND target.redacted_by_nid = e.event_nid
  LEFT JOIN room_server.events redaction ON redaction.room_nid = e.room_nid AND redaction.event_nid = e.redacted_by_nid
    AND (e.room_seq < 0 OR redaction.room_seq BETWEEN 1 AND e.room_seq)`;

const read = (direction: 'ASC' | 'DESC') => `
  SELECT ${COLUMNS} FROM room_server.events e ${BESIDE('$4')}
  WHERE e.room_nid = (SELECT room_nid FROM room_server.rooms WHERE room_id = $1)
    AND e.room_seq ${direction === 'ASC' ? '> greatest($2, 0)' : '< least($2, 0)'}
  ORDER BY e.room_seq ${direction} LIMIT $3`;
const READ = read('ASC');
const READ_BACKFILLED = read('DESC');

/** Room by room in the order of their numbers, so that no more of them are looked at than go into one answer. */
const NEWS = `
  SELECT e.room_id, e.room_version, ${COLUMNS}
  FROM (
    SELECT asked.room_id, asked.room_version, news.*
    FROM (
      SELECT r.room_nid, r.room_id, r.room_version, w.after_seq
      FROM unnest($1::text[], $2::bigint[]) AS w(room_id, after_seq) JOIN room_server.rooms r USING (room_id)
      ORDER BY r.room_nid
    ) AS asked CROSS JOIN LATERAL (
      SELECT * FROM room_server.events n
      WHERE n.room_nid = asked.room_nid AND n.room_seq > greatest(asked.after_seq, 0) ORDER BY n.room_seq LIMIT $3
    ) AS news
    ORDER BY asked.room_nid, news.room_seq LIMIT $3
  ) AS e ${BESIDE('$4')}
  ORDER BY e.room_nid, e.room_seq`;

/** What one answer holds, about. */
const MAX_NEWS_BYTES = 4_000_000;

interface HeadsQuery {
  readonly sinceCursor: number;
  readonly afterRoom: number;
  readonly limit: number;
}

/**
 * Rooms by their number, of those committed to by transactions from the cursor on, and the next cursor, also where there
 * are none.
 */
const HEADS = statement<HeadsQuery>(
  'list-heads',
  sql<HeadsQuery>`
  WITH log AS MATERIALIZED (${logCursor('bigint', ({ sinceCursor }: HeadsQuery) => sinceCursor)})
  SELECT log.cursor, r.room_nid, r.room_id, r.room_seq, r.back_seq, r.purge_seq
  FROM log LEFT JOIN LATERAL (
    SELECT room_nid, room_id, room_seq, back_seq, purge_seq FROM room_server.rooms
    WHERE updated_xid >= (SELECT since FROM log)
      AND room_nid > ${({ afterRoom }) => afterRoom}::bigint AND (room_seq > 0 OR back_seq < 0)
    ORDER BY room_nid LIMIT ${({ limit }) => limit + 1}::integer
  ) AS r ON true
  ORDER BY r.room_nid`,
);

interface HeadRow extends Record<string, unknown> {
  readonly cursor: number;
  readonly room_nid: number | null;
  readonly room_id: string;
  readonly room_seq: number;
  readonly back_seq: number;
  readonly purge_seq: number;
}

export interface LogQuery {
  readonly roomId: string;
  readonly afterSeq: number;
  readonly limit: number;
  readonly backfilled: boolean;
}

const MOST_ROOMS_OF_EVENT = 10;

/** The log of committed events, as consumers read it to catch up. */
export class EventLog {
  constructor(private readonly db: Queryable) {}

  /** Of these, one may have been asked to take in an event with an id that another one has. */
  async roomsOf(eventId: string): Promise<string[]> {
    const { rows } = await this.db.query<{ room_id: string }>({
      name: 'rooms-of-event',
      text: `SELECT r.room_id FROM room_server.events e JOIN room_server.rooms r USING (room_nid)
        WHERE e.event_id = $1 ORDER BY e.room_nid LIMIT ${MOST_ROOMS_OF_EVENT}`,
      values: [eventId],
    });
    return rows.map((row) => row.room_id);
  }

  /** Events of a room after a room_seq, but for those that were purged; none when there is no such room. */
  async read({ roomId, afterSeq, limit, backfilled }: LogQuery): Promise<{ events: RoomEvents; more: boolean }> {
    const room = await this.db.query<{ room_version: string; room_nid: number }>({
      name: 'room-version',
      text: 'SELECT room_version, room_nid FROM room_server.rooms WHERE room_id = $1',
      values: [roomId],
    });
    const { rows } = await this.db.query<LogRow>({
      name: backfilled ? 'read-backfilled' : 'read-log',
      text: backfilled ? READ_BACKFILLED : READ,
      values: [roomId, afterSeq, limit + 1, rememberedSlots()],
    });
    const { room_version: roomVersion = '', room_nid: roomNid = 0 } = room.rows[0] ?? {};
    const events = rows.slice(0, limit).map((row) => loggedEvent(row, roomVersion));
    return { events: { roomId, roomVersion, roomNid, events }, more: rows.length > limit };
  }

  /** Live events of many rooms, of each those after a room_seq. Rooms without any are left out. */
  async news(places: readonly RoomPlace[], limit: number): Promise<{ rooms: RoomEvents[]; more: boolean }> {
    const after = [places.map(({ roomId }) => roomId), places.map(({ afterSeq }) => afterSeq)];
    const { rows } = await this.db.query<NewsRow>({
      name: 'read-news',
      text: NEWS,
      values: [...after, limit + 1, rememberedSlots()],
    });
    const page = fitting(rows.slice(0, limit));
    const rooms = [...Map.groupBy(page, (row) => row.room_nid)].map(([roomNid, ofRoom]) => {
      const { room_id: roomId, room_version: roomVersion } = ofRoom[0]!;
      return { roomId, roomVersion, roomNid, events: ofRoom.map((row) => loggedEvent(row, roomVersion)) };
    });
    return { rooms, more: page.length < rows.length };
  }

  /** What was purged of a room, in order. */
  async purges(roomId: string, afterPurgeSeq: number, limit: number): Promise<Purge[]> {
    const { rows } = await this.db.query<Purge & Record<string, unknown>>({
      name: 'list-purges',
      text: `SELECT p.purge_seq AS "purgeSeq", p.event_nids AS "eventNids"
        FROM room_server.rooms r JOIN room_server.purge_log p USING (room_nid)
        WHERE r.room_id = $1 AND p.purge_seq > $2 ORDER BY p.purge_seq LIMIT $3`,
      values: [roomId, afterPurgeSeq, limit],
    });
    return rows;
  }

  async heads(sinceCursor: number, afterRoom: number, limit: number) {
    const { rows } = await this.db.query<HeadRow>(HEADS({ sinceCursor, afterRoom, limit }));
    const found = rows.filter((row) => row.room_nid !== null);
    const page = found.slice(0, limit);
    const heads: RoomHead[] = page.map((row) => ({
      ...{ roomId: row.room_id, roomSeq: row.room_seq, backSeq: row.back_seq, purgeSeq: row.purge_seq },
    }));
    const nextRoom = found.length > limit ? (page.at(-1)?.room_nid ?? undefined) : undefined;
    return { heads, cursor: rows[0]!.cursor, nextRoom };
  }
}

/** The first of them that fit into an answer: one in any case. */
function fitting(rows: readonly NewsRow[]): readonly NewsRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ pdu }, index) => {
    bytes += pdu.length;
    return index > 0 && bytes > MAX_NEWS_BYTES;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

function loggedEvent(row: LogRow, roomVersion: string): LoggedEvent {
  return {
    roomSeq: row.room_seq,
    eventNid: row.event_nid,
    eventId: row.event_id,
    pduJson: row.pdu,
    stateChanges: stateChangesOf(row),
    hasMoreStateChanges: row.to_state_nid !== null,
    transaction: transactionKey(row),
    redactedEventId: row.redacts_event_id ?? undefined,
    redactedEventNid: row.redacted_event_nid ?? undefined,
    redactedBecause: redactedBecause(row, roomVersion),
    visibility: visibilityOf(row.visibility ?? 1),
    previousVisibility: row.previous_visibility === null ? undefined : visibilityOf(row.previous_visibility),
    memberships: row.local_memberships === null ? [] : JSON.parse(row.local_memberships),
    strippedStateJson: row.stripped_state ?? undefined,
    relayFor: row.relay_for ?? undefined,
    partialState: row.partial_state ?? undefined,
    stateOnly: (row.partial_state === false && !row.has_place) || undefined,
  };
}

/** What is known of a redaction that came before its target. */
function redactedBecause({ redaction_nid, redaction_id, redaction_pdu }: LogRow, roomVersion: string) {
  if (redaction_nid === null || redaction_id === null || redaction_pdu === null) return undefined;
  const redaction = { eventNid: redaction_nid, eventId: redaction_id, pduJson: redaction_pdu, redaction: undefined };
  return visible(redaction, roomVersion);
}

/** A state event in a room without forks changes the current state by itself. */
function stateChangesOf(row: LogRow): StateChange[] {
  const { changes, type, state_key, key_nid, event_id, event_nid, membership, to_state_nid, room_seq } = row;
  if (changes !== null) return JSON.parse(changes);
  if (state_key === null || key_nid === null || to_state_nid !== null || room_seq < 0) return [];
  const change = { type, stateKey: state_key, keyNid: key_nid, eventId: event_id, eventNid: event_nid };
  return [{ ...change, membership: membership ?? undefined }];
}

function transactionKey({ user_id, device_id, scope, txn_id }: LogRow): TransactionKey | undefined {
  if (user_id === null || device_id === null || scope === null || txn_id === null) return undefined;
  return { userId: user_id, deviceId: device_id, scope, txnId: txn_id };
}
