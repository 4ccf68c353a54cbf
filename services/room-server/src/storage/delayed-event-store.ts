import type { Database, Transaction as DatabaseTransaction } from '@ganglion/database';
import type {
  DelayedEventPage,
  DelayedEventRow,
  DelayedOutcome,
  Due,
  Kept,
  NewDelayedEvent,
} from '../domain/delayed/delayed-event.js';
import type { DelayedEventModel } from '../domain/ports/delayed-events.js';
import type { Transaction } from '../domain/ports/rooms.js';

const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
/** Who has not said within this time that an event was sent has died. */
const CLAIM_MS = 30_000;
/** What could not be sent keeps nothing from being sent that is due later. */
const AGAIN_AFTER_MS = 2_000;
const KEPT_FOR_MS = 86_400_000;

const COLUMNS = `delayed_nid AS "delayedNid", delay_id AS "delayId", room_id AS "roomId", sender, type,
  state_key AS "stateKey", content AS "contentJson", redacts, redacts_own_only AS "redactsOwnOnly", delay_ms AS "delayMs",
  running_since AS "runningSince", send_at AS "sendAt", asked_at_seq AS "askedAtSeq", finalised_at AS "finalisedAt",
  event_id AS "eventId", error AS "errorJson", by_action AS "byAction"`;

interface Row extends Record<string, unknown> {
  readonly stateKey: string | null;
  readonly redacts: string | null;
  readonly finalisedAt: number | null;
  readonly eventId: string | null;
  readonly errorJson: string | null;
  readonly byAction: boolean;
}

/** Delayed events in PostgreSQL; its clock alone decides when one is due. */
export class DelayedEventStore implements DelayedEventModel {
  constructor(private readonly db: Database) {}

  async find(transaction: Transaction, roomId: string): Promise<string | undefined> {
    return findIn(this.db, transaction, roomId);
  }

  /** A user's events are kept one after the other, so that none is kept twice and none too many. */
  async keep(event: NewDelayedEvent, transaction: Transaction | undefined, mostOfUser: number): Promise<Kept> {
    return this.db.transaction(async (tx) => {
      await tx.query({
        name: 'lock-delayed-events-of',
        text: 'SELECT pg_advisory_xact_lock(hashtextextended($1, 4140))',
        values: [event.sender],
      });
      const known = transaction && (await findIn(tx, transaction, event.roomId));
      if (known !== undefined) return { kind: 'kept', delayId: known };
      const { rows } = await tx.query<{ waiting: number; seq: number | null }>({
        name: 'before-delayed-event',
        text: `SELECT (SELECT count(*)::int FROM room_server.delayed_events
            WHERE sender = $1 AND finalised_at IS NULL) AS waiting,
          (SELECT r.room_seq FROM room_server.rooms r JOIN room_server.state_entries k ON k.room_nid = r.room_nid
            WHERE r.room_id = $2 AND k.type = 'm.room.member' AND k.state_key = $1 AND k.membership = 'join') AS seq`,
        values: [event.sender, event.roomId],
      });
      const { waiting = 0, seq = null } = rows[0] ?? {};
      if (seq === null) return { kind: 'not-joined' };
      if (waiting >= mostOfUser) return { kind: 'too-many' };
      await insert(tx, event, transaction, seq);
      return { kind: 'kept', delayId: event.delayId };
    });
  }

  async takeDue(limit: number): Promise<Due> {
    const { rows } = await this.db.query<Row>({
      name: 'take-due-delayed-events',
      text: `UPDATE room_server.delayed_events SET claimed_at = ${NOW} WHERE delayed_nid IN (
          SELECT delayed_nid FROM room_server.delayed_events
          WHERE finalised_at IS NULL AND send_at <= ${NOW} AND coalesce(claimed_at, 0) < ${NOW} - $1::bigint
          ORDER BY send_at, delayed_nid LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING ${COLUMNS}`,
      values: [CLAIM_MS, limit],
    });
    const next = await this.db.query<{ ms: number | null }>({
      name: 'next-delayed-event',
      text: `SELECT min(send_at) - ${NOW} AS ms FROM room_server.delayed_events
        WHERE finalised_at IS NULL AND send_at > ${NOW}`,
    });
    const events = rows
      .map(eventOf)
      .sort((one, other) => one.sendAt - other.sendAt || one.delayedNid - other.delayedNid);
    return { events, nextInMs: next.rows[0]?.ms ?? undefined };
  }

  async takeOne(delayId: string): Promise<DelayedEventRow | undefined> {
    const { rows } = await this.db.query<Row>({
      name: 'take-delayed-event',
      text: `UPDATE room_server.delayed_events SET claimed_at = ${NOW}, send_at = least(send_at, ${NOW})
        WHERE delay_id = $1 AND finalised_at IS NULL
          AND coalesce(claimed_at, 0) < ${NOW} - $2::bigint RETURNING ${COLUMNS}`,
      values: [delayId, CLAIM_MS],
    });
    return rows.map(eventOf)[0];
  }

  async restart(delayId: string): Promise<number | undefined> {
    const { rows } = await this.db.query<{ ms: number }>({
      name: 'restart-delayed-event',
      text: `UPDATE room_server.delayed_events SET running_since = ${NOW}, send_at = ${NOW} + delay_ms
        WHERE delay_id = $1 AND finalised_at IS NULL AND claimed_at IS NULL RETURNING delay_ms AS ms`,
      values: [delayId],
    });
    return rows[0]?.ms;
  }

  async cancel(delayId: string): Promise<boolean> {
    const { rowCount } = await this.db.query({
      name: 'cancel-delayed-event',
      text: `UPDATE room_server.delayed_events SET finalised_at = ${NOW}, by_action = true
        WHERE delay_id = $1 AND finalised_at IS NULL AND claimed_at IS NULL`,
      values: [delayId],
    });
    return (rowCount ?? 0) > 0;
  }

  async finalise(delayedNid: number, { eventId, errorJson, byAction }: Omit<DelayedOutcome, 'at'>): Promise<void> {
    await this.db.query({
      name: 'finalise-delayed-event',
      text: `UPDATE room_server.delayed_events SET finalised_at = ${NOW}, event_id = $2, error = $3, by_action = $4
        WHERE delayed_nid = $1 AND finalised_at IS NULL`,
      values: [delayedNid, eventId, errorJson, byAction],
    });
  }

  async giveBack(delayedNid: number): Promise<void> {
    await this.db.query({
      name: 'give-back-delayed-event',
      text: `UPDATE room_server.delayed_events SET claimed_at = NULL, send_at = ${NOW} + $2::bigint
        WHERE delayed_nid = $1 AND finalised_at IS NULL`,
      values: [delayedNid, AGAIN_AFTER_MS],
    });
  }

  async isSuperseded({ roomId, type, stateKey, sender, askedAtSeq }: DelayedEventRow): Promise<boolean> {
    if (stateKey === undefined) return false;
    const { rowCount } = await this.db.query({
      name: 'is-delayed-event-superseded',
      text: `SELECT FROM room_server.rooms r
        JOIN room_server.state_entries k ON k.room_nid = r.room_nid AND k.type = $2 AND k.state_key = $3
        JOIN room_server.events e ON e.event_nid = k.event_nid AND e.room_nid = k.room_nid
        WHERE r.room_id = $1 AND e.sender <> $4 AND e.room_seq > $5`,
      values: [roomId, type, stateKey, sender, askedAtSeq],
    });
    return (rowCount ?? 0) > 0;
  }

  async list({ sender, delayIds, finalised, afterNid, limit }: DelayedEventPage): Promise<DelayedEventRow[]> {
    const { rows } = await this.db.query<Row>({
      name: `list-delayed-events-${finalised ? 'finalised' : 'scheduled'}`,
      text: `SELECT ${COLUMNS} FROM room_server.delayed_events
        WHERE sender = $1 AND delayed_nid > $2 AND finalised_at IS ${finalised ? 'NOT NULL' : 'NULL'}
          AND (cardinality($3::text[]) = 0 OR delay_id = ANY($3)) ORDER BY delayed_nid LIMIT $4`,
      values: [sender, afterNid, delayIds, limit],
    });
    return rows.map(eventOf);
  }

  async prune(): Promise<void> {
    await this.db.query({
      name: 'prune-delayed-events',
      text: `DELETE FROM room_server.delayed_events WHERE finalised_at < ${NOW} - $1::bigint`,
      values: [KEPT_FOR_MS],
    });
  }
}

async function findIn(db: Database | DatabaseTransaction, transaction: Transaction, roomId: string) {
  const { rows } = await db.query<{ delay_id: string }>({
    name: 'find-delayed-event',
    text: `SELECT delay_id FROM room_server.delayed_events
      WHERE sender = $1 AND transaction IS NOT NULL AND md5(transaction) = md5($2) AND transaction = $2`,
    values: [transaction.userId, transactionText(transaction, roomId)],
  });
  return rows[0]?.delay_id;
}

async function insert(
  tx: DatabaseTransaction,
  event: NewDelayedEvent,
  transaction: Transaction | undefined,
  seq: number,
): Promise<void> {
  const { delayId, roomId, sender, type, stateKey, contentJson, redacts, redactsOwnOnly, delayMs } = event;
  await tx.query({
    name: 'keep-delayed-event',
    text: `INSERT INTO room_server.delayed_events (delay_id, room_id, sender, type, state_key, content, redacts,
        redacts_own_only, transaction, delay_ms, asked_at_seq, running_since, send_at)
      SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, at.now, at.now + $10 FROM (SELECT ${NOW} AS now) AS at`,
    values: [
      ...[delayId, roomId, sender, type, stateKey, contentJson, redacts, redactsOwnOnly],
      ...[transaction && transactionText(transaction, roomId), delayMs, seq],
    ],
  });
}

function transactionText({ deviceId, scope, txnId }: Transaction, roomId: string): string {
  return JSON.stringify([deviceId, roomId, scope, txnId]);
}

function eventOf({ stateKey, redacts, finalisedAt, eventId, errorJson, byAction, ...row }: Row): DelayedEventRow {
  return {
    ...(row as unknown as Omit<DelayedEventRow, 'stateKey' | 'redacts' | 'finalised'>),
    stateKey: stateKey ?? undefined,
    redacts: redacts ?? undefined,
    finalised:
      finalisedAt === null
        ? undefined
        : { at: finalisedAt, eventId: eventId ?? undefined, errorJson: errorJson ?? undefined, byAction },
  };
}
