import type { Database, Queryable } from '@ganglion/database';
import type { PurgeStore } from '../domain/ports/purge-store.js';
import type { Purge, PurgeProgress, RetainedRoom } from '../domain/purging/purge.js';
import { deletePurged, LAST_PART, type Part, STEP } from './purge-statements.js';

interface PurgeRow extends Record<string, unknown> {
  readonly purge_id: string;
  readonly room_nid: number;
  readonly up_to_seq: number;
  readonly below_depth: number;
  readonly before_ms: number;
  readonly with_local: boolean;
  readonly part: Part;
  readonly reached: number;
}

const TO_DO = `
  SELECT purge_id, room_nid, up_to_seq, below_depth, before_ms, with_local, part, reached
  FROM room_server.purges WHERE finished_at IS NULL ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED`;

/**
 * Whatever else is committed to the room waits for the step, and may not make a purged event its end meanwhile. The last of the
 * events in either direction stays, so that whoever reads the log gets to where the room is.
 */
const LOCK_ROOM = 'SELECT FROM room_server.rooms WHERE room_nid = $1 FOR UPDATE';
/** Asked for once the room is locked: by then everything that made an end of an event is to be seen. */
const ENDS = `
  SELECT ARRAY(
      SELECT (extremity ->> 'nid')::bigint FROM json_array_elements(extremities::json) AS extremity
      UNION
      SELECT event_nid FROM room_server.events e WHERE e.room_nid = r.room_nid AND e.room_seq IN (r.room_seq, r.back_seq)) AS ends
  FROM room_server.rooms r WHERE room_nid = $1`;

/** Where the version becomes another one, what was planned with an event that went, as to place it, is planned anew. */
const NOTE = `
  WITH room AS (
    UPDATE room_server.rooms SET version = version + $3::integer, purge_seq = purge_seq + 1,
      updated_xid = pg_current_xact_id()::text::bigint
    WHERE room_nid = $1 RETURNING room_nid, purge_seq
  )
  INSERT INTO room_server.purge_log (room_nid, purge_seq, event_nids) SELECT room_nid, purge_seq, $2::bigint[] FROM room`;

const ADVANCE = `
  UPDATE room_server.purges SET part = $2, reached = $3, deleted = deleted + $4 WHERE purge_id = $1`;

/** What of the live events stayed as an end of the room is looked at again next time. */
const LOOK_AGAIN = `
  UPDATE room_server.purges SET up_to_seq = least(up_to_seq, (
    SELECT min(room_seq) - 1 FROM room_server.events
    WHERE room_nid = purges.room_nid AND event_nid = ANY ($2) AND room_seq > 0)) WHERE purge_id = $1`;

const FINISH = `
  UPDATE room_server.purges SET finished_at = clock_timestamp(), deleted = deleted + $2 WHERE purge_id = $1`;

/** One that goes on goes on further; one that has ended begins anew where that says more. */
const ASK = `
  INSERT INTO room_server.purges AS known (purge_id, room_nid, up_to_seq, below_depth, before_ms, with_local)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (purge_id) DO UPDATE SET up_to_seq = greatest(known.up_to_seq, excluded.up_to_seq),
    below_depth = greatest(known.below_depth, excluded.below_depth),
    before_ms = greatest(known.before_ms, excluded.before_ms), with_local = excluded.with_local, part = 0,
    reached = CASE WHEN known.part = 0 AND known.finished_at IS NULL THEN known.reached ELSE known.up_to_seq END,
    deleted = CASE WHEN known.finished_at IS NULL THEN known.deleted ELSE 0 END,
    created_at = CASE WHEN known.finished_at IS NULL THEN known.created_at ELSE excluded.created_at END,
    finished_at = NULL`;

/** Rooms with a policy of their own, or all of them, that have something which no purge has looked at. */
const retained = (all: boolean) => `
  SELECT r.room_nid AS "roomNid", r.room_seq AS "roomSeq", coalesce(p.up_to_seq, 0) AS "purgedSeq",
    r.mark_seq AS "markSeq", (extract(epoch FROM r.marked_at) * 1000)::bigint AS "markedMs", e.pdu AS policy
  FROM room_server.rooms r
  ${all ? 'LEFT ' : ''}JOIN room_server.state_entries s
    ON s.room_nid = r.room_nid AND s.type = 'm.room.retention' AND s.state_key = ''
  LEFT JOIN room_server.events e ON e.room_nid = s.room_nid AND e.event_nid = s.event_nid AND e.redacted_by_nid IS NULL
  LEFT JOIN room_server.purges p ON p.purge_id = 'retention ' || r.room_nid
  WHERE r.room_nid > $1 AND NOT r.partial_state ORDER BY r.room_nid LIMIT $2`;

/** The end of what is older than a time without a gap: one event that claims to be old takes nothing else along. */
const OLD_UP_TO = `
  SELECT coalesce((
    SELECT room_seq - 1 FROM room_server.events
    WHERE room_nid = $1 AND room_seq > greatest($2, 0) AND origin_server_ts >= $3 ORDER BY room_seq LIMIT 1),
    (SELECT room_seq FROM room_server.rooms WHERE room_nid = $1), 0) AS seq`;

/** Of what was fetched of earlier history, the latest: that is the oldest, mostly. The very last stays in any case. */
const OLD_HISTORY = `
  SELECT EXISTS (SELECT FROM (
    SELECT origin_server_ts, state_key FROM room_server.events
    WHERE room_nid = $1 AND room_seq < 0
      AND room_seq > (SELECT back_seq FROM room_server.rooms WHERE room_nid = $1) ORDER BY room_seq LIMIT 100) AS fetched
  WHERE origin_server_ts < $2 AND state_key IS NULL) AS any`;

/** Purges in PostgreSQL. Each step is a transaction, so any number of replicas may take turns, and any may die. */
export class PostgresPurgeStore implements PurgeStore {
  constructor(
    private readonly db: Database,
    private readonly serverNames: readonly string[],
  ) {}

  async ask({ purgeId, roomNid, upToSeq, belowDepth, beforeMs, withLocal }: Purge): Promise<void> {
    const values = [purgeId, roomNid, upToSeq, belowDepth, beforeMs, withLocal];
    await this.db.query({ name: 'ask-for-purge', text: ASK, values });
  }

  async progress(purgeId: string): Promise<PurgeProgress | undefined> {
    const { rows } = await this.db.query<{ isComplete: boolean; deleted: number }>({
      name: 'purge-progress',
      text: `SELECT finished_at IS NOT NULL AS "isComplete", deleted FROM room_server.purges WHERE purge_id = $1`,
      values: [purgeId],
    });
    return rows[0];
  }

  async placeOf(roomNid: number, eventId: string) {
    const { rows } = await this.db.query<{ roomSeq: number; depth: number }>({
      name: 'place-of-event',
      text: `SELECT room_seq AS "roomSeq", depth FROM room_server.events
        WHERE event_id = $2 AND room_nid = $1 AND room_seq IS NOT NULL`,
      values: [roomNid, eventId],
    });
    return rows[0];
  }

  async oldUpTo(roomNid: number, afterSeq: number, beforeMs: number): Promise<number> {
    const values = [roomNid, afterSeq, beforeMs];
    const { rows } = await this.db.query<{ seq: number }>({ name: 'old-up-to', text: OLD_UP_TO, values });
    return rows[0]!.seq;
  }

  async hasOldHistory(roomNid: number, beforeMs: number): Promise<boolean> {
    const values = [roomNid, beforeMs];
    const { rows } = await this.db.query<{ any: boolean }>({ name: 'old-history', text: OLD_HISTORY, values });
    return rows[0]!.any;
  }

  async retainedRooms(all: boolean, afterRoom: number, limit: number): Promise<RetainedRoom[]> {
    const name = all ? 'rooms-to-retain' : 'rooms-with-policy';
    const query = { name, text: retained(all), values: [afterRoom, limit] };
    return (await this.db.query<RetainedRoom & Record<string, unknown>>(query)).rows;
  }

  async mark(roomNid: number, roomSeq: number): Promise<void> {
    await this.db.query({
      name: 'mark-room',
      text: 'UPDATE room_server.rooms SET mark_seq = $2, marked_at = now() WHERE room_nid = $1',
      values: [roomNid, roomSeq],
    });
  }

  step(): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      const { rows } = await tx.query<PurgeRow>({ name: 'purge-to-do', text: TO_DO });
      const [purge] = rows;
      if (purge === undefined) return false;
      await this.#step(tx, purge);
      return true;
    });
  }

  async #step(tx: Queryable, purge: PurgeRow): Promise<void> {
    const { purge_id: id, room_nid: roomNid, part } = purge;
    await tx.query({ name: 'lock-room-to-purge', text: LOCK_ROOM, values: [roomNid] });
    const rooms = await tx.query<{ ends: number[] }>({ name: 'ends-of-room', text: ENDS, values: [roomNid] });
    const ends = rooms.rows[0]?.ends ?? [];
    const spared = purge.with_local ? [] : this.serverNames;
    const bounds = { upToSeq: purge.up_to_seq, belowDepth: purge.below_depth, beforeMs: purge.before_ms };
    const { rows } = await tx.query<{ looked: number; reached: number | null; gone: number[] }>(
      deletePurged(part, { roomNid, reached: purge.reached, ...bounds, ends, spared }),
    );
    const { looked, reached, gone } = rows[0]!;
    // Only an event without a place can be about to get one.
    const changed = part === LAST_PART ? 1 : 0;
    if (gone.length > 0) await tx.query({ name: 'note-purge', text: NOTE, values: [roomNid, gone, changed] });
    if (looked < STEP && part === LAST_PART) {
      await tx.query({ name: 'finish-purge', text: FINISH, values: [id, gone.length] });
      return;
    }
    if (looked < STEP && part === 0)
      await tx.query({ name: 'look-again-at-ends', text: LOOK_AGAIN, values: [id, ends] });
    const next = looked < STEP ? [part + 1, 0] : [part, reached];
    await tx.query({ name: 'advance-purge', text: ADVANCE, values: [id, ...next, gone.length] });
  }

  async forget(): Promise<void> {
    await this.db.query({
      name: 'forget-purges',
      text: `DELETE FROM room_server.purges
        WHERE finished_at < now() - interval '7 days' AND purge_id NOT LIKE 'retention %'`,
    });
  }
}
