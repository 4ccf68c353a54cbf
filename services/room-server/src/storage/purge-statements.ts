import { type Fragment, type Statement, sql, statement } from '@ganglion/database';

/** Events that are looked at in one step, under the lock of their room. */
export const STEP = 500;

/** What of a purge comes after the other: live events, those that were backfilled, those that have no place. */
export type Part = 0 | 1 | 2;
export const LAST_PART: Part = 2;

export interface PurgePage {
  readonly roomNid: number;
  /** How far the part has come. */
  readonly reached: number;
  readonly upToSeq: number;
  readonly belowDepth: number;
  readonly beforeMs: number;
  /** The ends of the room, which stay. */
  readonly ends: readonly number[];
  /** Servers whose users' messages stay. */
  readonly spared: readonly string[];
}

const ROOM: Fragment<PurgePage> = sql<PurgePage>`${({ roomNid }) => roomNid}::bigint`;
const REACHED: Fragment<PurgePage> = sql<PurgePage>`${({ reached }) => reached}::bigint`;
const IS_EARLY: Fragment<PurgePage> = sql<PurgePage>`
  (e.depth < ${({ belowDepth }) => belowDepth}::bigint OR e.origin_server_ts < ${({ beforeMs }) => beforeMs}::bigint)`;

interface PartText {
  readonly key: Fragment<unknown>;
  readonly last: Fragment<unknown>;
  readonly where: Fragment<PurgePage>;
  readonly order: Fragment<unknown>;
  readonly isEarly: Fragment<PurgePage>;
}

const PARTS: readonly PartText[] = [
  {
    key: sql`e.room_seq`,
    last: sql`max(key)`,
    where: sql<PurgePage>`e.room_seq > ${REACHED} AND e.room_seq <= ${({ upToSeq }) => upToSeq}::bigint`,
    order: sql`e.room_seq`,
    isEarly: sql`true`,
  },
  {
    key: sql`e.room_seq`,
    last: sql`min(key)`,
    where: sql<PurgePage>`e.room_seq < least(${REACHED}, 0)`,
    order: sql`e.room_seq DESC`,
    isEarly: IS_EARLY,
  },
  {
    key: sql`e.event_nid`,
    last: sql`max(key)`,
    where: sql<PurgePage>`e.room_seq IS NULL AND e.state_key IS NULL AND e.event_nid > ${REACHED}`,
    order: sql`e.event_nid`,
    isEarly: IS_EARLY,
  },
];

/**
 * Deletes the messages of one page of a part, with what is kept beside them. State stays, and so does a message with which the
 * state changed, as after a gap: whoever reads the log later hears of the change by it. A redaction stays as long as what it
 * redacts does, which would be shown whole without it.
 */
const deletePage = ({ key, last, where, order, isEarly }: PartText) => sql<PurgePage>`
  WITH page AS MATERIALIZED (
    SELECT e.event_nid, ${key} AS key, e.redacts_event_id, e.txn_key,
      e.state_key IS NULL AND ${isEarly} AND e.event_nid <> ALL (${({ ends }) => ends}::bigint[])
        AND substring(e.sender FROM position(':' IN e.sender) + 1) <> ALL (${({ spared }) => spared}::text[])
        AND NOT EXISTS (
          SELECT FROM room_server.event_details d WHERE d.room_nid = e.room_nid AND d.event_nid = e.event_nid
            AND (d.changes IS NOT NULL OR d.to_state_nid IS NOT NULL)) AS is_old
    FROM room_server.events e WHERE e.room_nid = ${ROOM} AND ${where} ORDER BY ${order} LIMIT ${() => STEP}::integer
  ), gone AS MATERIALIZED (
    SELECT p.event_nid, p.txn_key FROM page p
    WHERE p.is_old AND (p.redacts_event_id IS NULL OR NOT EXISTS (
      SELECT FROM room_server.events target
      WHERE target.event_id = p.redacts_event_id AND target.room_nid = ${ROOM}
        AND target.event_nid NOT IN (SELECT event_nid FROM page WHERE is_old AND redacts_event_id IS NULL)))
  ), events AS (
    DELETE FROM room_server.events e USING gone WHERE e.room_nid = ${ROOM} AND e.event_nid = gone.event_nid
  ), details AS (
    DELETE FROM room_server.event_details d USING gone WHERE d.room_nid = ${ROOM} AND d.event_nid = gone.event_nid
  ), missing AS (
    DELETE FROM room_server.missing_events m USING gone WHERE m.room_nid = ${ROOM} AND m.event_nid = gone.event_nid
  ), transactions AS (
    DELETE FROM room_server.transactions t USING gone
    WHERE t.slot BETWEEN 0 AND 3 AND t.room_nid = ${ROOM} AND t.txn_key = gone.txn_key AND t.event_nid = gone.event_nid
  )
  SELECT (SELECT count(*)::integer FROM page) AS looked, (SELECT ${last} FROM page) AS reached,
    ARRAY(SELECT event_nid FROM gone) AS gone`;

const STATEMENTS = PARTS.map((part, index) => statement(`purge-part-${index}`, deletePage(part)));

/** Deletes what is to go of the next page, and tells how far that was and which events went. */
export function deletePurged(part: Part, page: PurgePage): Statement {
  return STATEMENTS[part]!(page);
}
