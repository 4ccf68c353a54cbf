import type { Database } from '@ganglion/database';
import type { Batch, Leased, MissedRoom, Route, SendingStore } from '../domain/sending/ports.js';

/** Longer than a transaction may take: whoever has a route for longer without a word has died. */
const LEASED_FOR = "interval '60 seconds'";
/** @see https://spec.matrix.org/v1.19/server-server-api/#transactions */
const MOST_PDUS = 50;

const LEASE = `
  UPDATE federation_api.destinations d SET leased_by = $1, leased_until = now() + ${LEASED_FOR}
  FROM (
    SELECT server_name, origin FROM federation_api.destinations
    WHERE has_work AND retry_at <= now() AND leased_until < now()
    ORDER BY retry_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ) due
  WHERE d.server_name = due.server_name AND d.origin = due.origin
  RETURNING d.server_name, d.origin, d.is_behind, d.failures`;

const OWN = 'server_name = $1 AND origin = $2 AND leased_by = $3';

/**
 * What is next: the transaction that was tried before to the letter, or a new one, whose bounds are noted before it is sent.
 * It asks for the work that it has seen, so that nothing that comes meanwhile is forgotten.
 */
const NEXT = `
  WITH route AS (
    SELECT work, txn_id, txn_last FROM federation_api.destinations WHERE ${OWN}
  ), queued AS (
    SELECT q.pdu_nid, p.pdu FROM federation_api.queued_pdus q JOIN federation_api.outgoing_pdus p USING (pdu_nid)
    WHERE q.server_name = $1 AND q.origin = $2
      AND q.pdu_nid <= coalesce((SELECT txn_last FROM route), 9223372036854775807)
    ORDER BY q.pdu_nid LIMIT ${MOST_PDUS}
  )
  SELECT route.work, route.txn_id, queued.pdu_nid, queued.pdu FROM route LEFT JOIN queued ON true ORDER BY queued.pdu_nid`;

interface NextRow extends Record<string, unknown> {
  work: number;
  txn_id: string | null;
  pdu_nid: number | null;
  pdu: string | null;
}

/** Queues of destinations, in PostgreSQL. */
export class PostgresSendingStore implements SendingStore {
  constructor(
    private readonly db: Database,
    /** Who we are, different for every process. */
    private readonly holder: string,
  ) {}

  async lease(most: number): Promise<readonly Leased[]> {
    const { rows } = await this.db.query<{ server_name: string; origin: string; is_behind: boolean; failures: number }>(
      {
        ...{ name: 'lease-destinations', text: LEASE, values: [this.holder, most] },
      },
    );
    return rows.map(({ server_name: server, origin, is_behind: isBehind, failures }) => ({
      ...{ server, origin, isBehind, failures },
    }));
  }

  async next(route: Route): Promise<Batch | undefined> {
    const { rows } = await this.db.query<NextRow>({ name: 'next-transaction', text: NEXT, values: this.#own(route) });
    const [first] = rows;
    if (first === undefined) return undefined;
    if (first.pdu_nid === null) {
      await this.#done(route, first.work);
      return undefined;
    }
    const last = rows.at(-1)!.pdu_nid!;
    const txnId = first.txn_id ?? `${first.pdu_nid}-${last}`;
    const { rowCount } = await this.db.query({
      name: 'begin-transaction-to',
      text: `UPDATE federation_api.destinations SET txn_id = $4, txn_last = $5, leased_until = now() + ${LEASED_FOR}
        WHERE ${OWN}`,
      values: [...this.#own(route), txnId, last],
    });
    return rowCount === 0 ? undefined : { txnId, pdus: rows.map(({ pdu }) => pdu!) };
  }

  async sent(route: Route): Promise<void> {
    await this.db.query({
      name: 'transaction-arrived',
      text: `
        WITH done AS (
          SELECT txn_last FROM federation_api.destinations WHERE ${OWN} FOR UPDATE
        ), removed AS (
          DELETE FROM federation_api.queued_pdus WHERE server_name = $1 AND origin = $2 AND pdu_nid <= (SELECT txn_last FROM done)
        )
        UPDATE federation_api.destinations SET txn_id = NULL, txn_last = NULL, failures = 0 WHERE ${OWN}`,
      values: this.#own(route),
    });
  }

  async failed(route: Route, waitMs: number, fallsBehind: boolean): Promise<void> {
    await this.db.transaction(async (tx) => {
      const { rowCount } = await tx.query({
        name: 'put-destination-off',
        text: `UPDATE federation_api.destinations SET leased_by = NULL, leased_until = '-infinity',
            failures = CASE WHEN $4 > 0 THEN least(failures + 1, 40) ELSE failures END,
            retry_at = now() + $4 * interval '1 millisecond', is_behind = is_behind OR $5,
            txn_id = CASE WHEN $5 THEN NULL ELSE txn_id END, txn_last = CASE WHEN $5 THEN NULL ELSE txn_last END
          WHERE ${OWN}`,
        values: [...this.#own(route), waitMs, fallsBehind],
      });
      if (rowCount === 0 || !fallsBehind) return;
      await tx.query({
        name: 'queue-to-missed-rooms',
        text: `
          WITH gone AS (
            DELETE FROM federation_api.queued_pdus WHERE server_name = $1 AND origin = $2 RETURNING room_id, room_seq
          )
          INSERT INTO federation_api.missed_rooms AS m (server_name, origin, room_id, room_seq)
          SELECT $1, $2, room_id, max(room_seq) FROM gone GROUP BY room_id
          ON CONFLICT (server_name, origin, room_id) DO UPDATE SET room_seq = greatest(m.room_seq, excluded.room_seq)`,
        values: [route.server, route.origin],
      });
    });
  }

  async missed(route: Route, most: number): Promise<readonly MissedRoom[]> {
    return this.db.transaction(async (tx) => {
      // Whoever queues something for it waits for this, and then queues or notes it as missed, as it is from now on.
      const own = await tx.query({
        name: 'hold-destination',
        text: `UPDATE federation_api.destinations SET leased_until = now() + ${LEASED_FOR} WHERE ${OWN}`,
        values: this.#own(route),
      });
      if (own.rowCount === 0) return [];
      const { rows } = await tx.query<{ room_id: string; room_seq: number }>({
        name: 'missed-rooms',
        text: `SELECT room_id, room_seq FROM federation_api.missed_rooms WHERE server_name = $1 AND origin = $2
          ORDER BY room_id LIMIT $3`,
        values: [route.server, route.origin, most],
      });
      if (rows.length === 0) {
        await tx.query({
          name: 'destination-has-caught-up',
          text: `UPDATE federation_api.destinations SET is_behind = false, failures = 0 WHERE ${OWN}`,
          values: this.#own(route),
        });
      }
      return rows.map(({ room_id: roomId, room_seq: roomSeq }) => ({ roomId, roomSeq }));
    });
  }

  async caughtUp({ server, origin }: Route, rooms: readonly MissedRoom[]): Promise<void> {
    await this.db.query({
      name: 'rooms-no-longer-missed',
      text: `DELETE FROM federation_api.missed_rooms m USING unnest($3::text[], $4::bigint[]) AS sent(room_id, room_seq)
        WHERE server_name = $1 AND origin = $2 AND m.room_id = sent.room_id AND m.room_seq <= sent.room_seq`,
      values: [server, origin, rooms.map(({ roomId }) => roomId), rooms.map(({ roomSeq }) => roomSeq)],
    });
  }

  async heardOf(server: string): Promise<void> {
    await this.db.query({
      name: 'heard-of-destination',
      // It may speak before it listens: should it not be reached yet, it is tried again within seconds.
      text: `UPDATE federation_api.destinations SET retry_at = least(retry_at, now()), failures = least(failures, 1)
        WHERE server_name = $1 AND failures > 0`,
      values: [server],
    });
  }

  /** Forgets what has arrived everywhere. */
  async forgetSent(): Promise<void> {
    await this.db.query({
      text: `DELETE FROM federation_api.outgoing_pdus p WHERE created_at < now() - interval '1 minute'
        AND NOT EXISTS (SELECT FROM federation_api.queued_pdus q WHERE q.pdu_nid = p.pdu_nid)`,
    });
  }

  async #done(route: Route, work: number): Promise<void> {
    await this.db.query({
      name: 'destination-done',
      text: `UPDATE federation_api.destinations SET leased_by = NULL, leased_until = '-infinity',
          has_work = work <> $4, txn_id = NULL, txn_last = NULL WHERE ${OWN}`,
      values: [...this.#own(route), work],
    });
  }

  #own({ server, origin }: Route): string[] {
    return [server, origin, this.holder];
  }
}
