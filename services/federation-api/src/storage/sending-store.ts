import { randomUUID } from 'node:crypto';
import type { Database } from '@ganglion/database';
import type { Batch, Ephemeron, Leased, MissedRoom, PutOff, Route, SendingStore } from '../domain/ports/sending.js';
import { EphemeralEdus } from '../domain/sending/ephemeral-edus.js';

/** Whoever has a route for longer without keeping it has died. */
const LEASED_FOR = "interval '15 seconds'";
/** @see https://spec.matrix.org/v1.19/server-server-api/#transactions */
const MOST_PDUS = 50;
/** So many in all: what passes takes what is left, of which many receipts go into one. */
const MOST_EDUS = 60;
const MOST_EPHEMERAL_EDUS = 40;
const MOST_EPHEMERA = 500;
/** Of events in one transaction, and of EDUs as well: however many are sent at once, they fit into memory. */
const MOST_CHARACTERS = 1_000_000;

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 24 * 3_600_000;
/** Within about a minute: who is away for longer gets only what matters. */
const FAILURES_TO_FALL_BEHIND = 6;

/**
 * Nothing waits for the disk. What a crash of PostgreSQL takes back of this has been said, or is said again: others know events and
 * messages to devices that they have had.
 */
const LIGHTLY = `(SELECT set_config('synchronous_commit', 'off', true)) IS NOT NULL`;

/** Of one that answers, retry_at is when it was talked to the last time: as long ago, the connection is most likely there still. */
const TALKED_TO = `failures = 0 AND retry_at > now() - interval '25 seconds'`;
const DUE = `
    SELECT server_name, origin FROM federation_api.destinations
    WHERE has_work AND retry_at <= now() AND leased_until < now() AND (failures > 0) = $3`;

/** First those that were talked to a moment ago, who wait for no connection; a few places are for the others in any case. */
const LEASE = `
  WITH talked_to AS MATERIALIZED (
    ${DUE} AND ${TALKED_TO} ORDER BY retry_at LIMIT $2 - $4::int FOR UPDATE SKIP LOCKED
  ), others AS MATERIALIZED (
    ${DUE} AND NOT (${TALKED_TO}) ORDER BY retry_at LIMIT $2 - (SELECT count(*) FROM talked_to) FOR UPDATE SKIP LOCKED
  )
  UPDATE federation_api.destinations d SET leased_by = $1, leased_until = now() + ${LEASED_FOR}
  FROM (SELECT * FROM talked_to UNION ALL SELECT * FROM others) due
  WHERE d.server_name = due.server_name AND d.origin = due.origin AND ${LIGHTLY}
  RETURNING d.server_name, d.origin, d.is_behind`;

const OWN = 'server_name = $1 AND origin = $2 AND leased_by = $3';
const OWN_LIGHTLY = `${OWN} AND ${LIGHTLY}`;

/** Twice as long each time, and not for all at the same moment; who was heard of meanwhile is tried again soon. */
const PUT_OFF = `
  UPDATE federation_api.destinations SET leased_by = NULL, leased_until = '-infinity', failures = least(failures + 1, 40),
    failing_since = coalesce(failing_since, now()),
    retry_at = now() + least(${FIRST_WAIT_MS} * 2.0 ^ failures * (0.8 + $4::float8 * 0.4), ${LONGEST_WAIT_MS}) * interval '1 millisecond',
    is_behind = is_behind OR failures + 1 >= ${FAILURES_TO_FALL_BEHIND},
    txn_id = CASE WHEN txn_last_edu IS NULL AND (is_behind OR failures + 1 >= ${FAILURES_TO_FALL_BEHIND}) THEN NULL ELSE txn_id END,
    txn_last = CASE WHEN is_behind OR failures + 1 >= ${FAILURES_TO_FALL_BEHIND} THEN NULL ELSE txn_last END
  WHERE ${OWN_LIGHTLY}
  RETURNING failures, is_behind AS "isBehind",
    round(extract(epoch FROM retry_at - now()) * 1000)::float8 AS "waitMs"`;

/** What of a queue is next: what was tried before, if something was, or as much as goes into one transaction. */
function queuedOf(kind: 'pdu' | 'edu', last: string, most: number): string {
  return `
    SELECT nid, json FROM (
      SELECT page.nid, p.${kind} AS json, sum(length(p.${kind})) OVER (ORDER BY page.nid) - length(p.${kind}) AS size_before
      FROM (
        SELECT q.${kind}_nid AS nid FROM federation_api.queued_${kind}s q WHERE q.server_name = $1 AND q.origin = $2
          AND q.${kind}_nid <= (SELECT CASE WHEN txn_id IS NULL THEN 9223372036854775807 ELSE coalesce(${last}, 0) END FROM route)
        ORDER BY q.${kind}_nid LIMIT ${most}
      ) AS page JOIN federation_api.outgoing_${kind}s p ON p.${kind}_nid = page.nid
    ) AS sized WHERE size_before < ${MOST_CHARACTERS}`;
}

/**
 * What is next: the transaction that was tried before to the letter, or a new one, whose bounds are noted before it is sent.
 * It asks for the work that it has seen, so that nothing that comes meanwhile is forgotten.
 */
const NEXT = `
  WITH route AS (
    SELECT work, txn_id, txn_last, txn_last_edu, ephemera_version FROM federation_api.destinations WHERE ${OWN}
  ), horizon AS MATERIALIZED (
    SELECT coalesce(max(version), 0) AS version FROM federation_api.ephemera
  ), queued AS (
    SELECT 'pdu' AS kind, pdus.* FROM (${queuedOf('pdu', 'txn_last', MOST_PDUS)}) AS pdus
    UNION ALL
    SELECT 'edu', edus.* FROM (${queuedOf('edu', 'txn_last_edu', MOST_EDUS)}) AS edus
    UNION ALL
    SELECT * FROM (
      SELECT e.kind, e.version, e.content FROM federation_api.ephemera e
      WHERE e.version > (SELECT ephemera_version FROM route WHERE txn_id IS NULL) AND e.origin = $2
        AND (e.expires_at IS NULL OR e.expires_at > now())
        AND EXISTS (SELECT FROM federation_api.ephemera_rooms r WHERE r.room_id = e.room_id AND r.server_name = $1)
      ORDER BY e.version LIMIT ${MOST_EPHEMERA}
    ) AS ephemera
  )
  SELECT route.work, route.txn_id, (SELECT version FROM horizon) AS horizon, queued.kind, queued.nid, queued.json
  FROM route LEFT JOIN queued ON true ORDER BY queued.kind, queued.nid`;

interface NextRow extends Record<string, unknown> {
  work: number;
  txn_id: string | null;
  horizon: number;
  kind: 'pdu' | 'edu' | Ephemeron['kind'] | null;
  nid: number | null;
  json: string | null;
}

/** Queues of destinations, in PostgreSQL. */
export class PostgresSendingStore implements SendingStore {
  constructor(
    private readonly db: Database,
    /** Who we are, different for every process. */
    private readonly holder: string,
  ) {}

  async lease(most: number, areFailing: boolean, forQuiet = 0): Promise<readonly Leased[]> {
    const { rows } = await this.db.query<{ server_name: string; origin: string; is_behind: boolean }>({
      ...{ name: 'lease-destinations', text: LEASE, values: [this.holder, most, areFailing, forQuiet] },
    });
    return rows.map(({ server_name: server, origin, is_behind: isBehind }) => ({
      ...{ server, origin, isBehind, isFailing: areFailing },
    }));
  }

  async keep(routes: readonly Route[]): Promise<void> {
    await this.db.query({
      name: 'keep-destinations',
      // In the order in which all take several: whoever queues something for the same ones waits for this, or this for them.
      text: `UPDATE federation_api.destinations d SET leased_until = now() + ${LEASED_FOR}
        FROM (
          SELECT own.server_name, own.origin FROM federation_api.destinations own
          JOIN unnest($2::text[], $3::text[]) AS kept(server_name, origin) USING (server_name, origin)
          WHERE own.leased_by = $1 ORDER BY own.server_name, own.origin FOR UPDATE OF own
        ) AS held
        WHERE d.server_name = held.server_name AND d.origin = held.origin AND ${LIGHTLY}`,
      values: [this.holder, routes.map(({ server }) => server), routes.map(({ origin }) => origin)],
    });
  }

  async next(route: Route, keeps = false): Promise<Batch | undefined> {
    const { rows } = await this.db.query<NextRow>({ name: 'next-transaction', text: NEXT, values: this.#own(route) });
    const [first] = rows;
    if (first === undefined) return undefined;
    if (first.nid === null) {
      // Nothing is left of the one that was tried before: there may be more behind it.
      if (first.txn_id !== null) return (await this.#begin(route, null, [])) ? this.next(route, keeps) : undefined;
      if (!keeps) await this.#done(route, first);
      return undefined;
    }
    const textsOf = (kind: NextRow['kind']) => rows.filter((row) => row.kind === kind).map(({ json }) => json!);
    const [pdus, edus] = [textsOf('pdu'), textsOf('edu')];
    // What passes goes along once, and is not part of what has to arrive under this id.
    const hasToArrive = pdus.length + edus.length > 0;
    const txnId = first.txn_id ?? randomUUID();
    if (!(await this.#begin(route, hasToArrive ? txnId : null, rows))) return undefined;
    const { work } = first;
    if (first.txn_id !== null) return { txnId, pdus, edus, ephemeraVersion: undefined, isAll: false, work };
    const passing = passingOf(rows, first.horizon);
    const isAll = isAllOf(pdus, MOST_PDUS) && isAllOf(edus, MOST_EDUS) && passing.upTo === first.horizon;
    return { txnId, pdus, edus: [...edus, ...passing.texts], ephemeraVersion: passing.upTo, isAll, work };
  }

  async sent(route: Route, { ephemeraVersion, isAll, work }: Batch, finishes: boolean): Promise<boolean> {
    const { rows } = await this.db.query<{ has_work: boolean }>({
      name: 'transaction-arrived',
      text: `
        WITH done AS MATERIALIZED (
          SELECT server_name, origin, txn_last, txn_last_edu FROM federation_api.destinations WHERE ${OWN}
        ), removed_pdus AS (
          DELETE FROM federation_api.queued_pdus q USING done
          WHERE q.server_name = done.server_name AND q.origin = done.origin AND q.pdu_nid <= done.txn_last
        ), removed_edus AS (
          DELETE FROM federation_api.queued_edus q USING done
          WHERE q.server_name = done.server_name AND q.origin = done.origin AND q.edu_nid <= done.txn_last_edu
        )
        UPDATE federation_api.destinations SET txn_id = NULL, txn_last = NULL, txn_last_edu = NULL, failures = 0,
          failing_since = NULL, ephemera_version = greatest(ephemera_version, $4),
          has_work = NOT $5::boolean OR work <> $6,
          retry_at = CASE WHEN $5 AND work = $6 THEN now() ELSE retry_at END,
          leased_by = CASE WHEN $5 AND work = $6 THEN NULL ELSE leased_by END,
          leased_until = CASE WHEN $5 AND work = $6 THEN '-infinity' ELSE leased_until END
        WHERE ${OWN_LIGHTLY} RETURNING has_work`,
      values: [...this.#own(route), ephemeraVersion ?? 0, finishes && isAll, work],
    });
    // One that is not ours any more is nothing to go on with.
    return rows[0]?.has_work !== true;
  }

  async failed(route: Route): Promise<PutOff | undefined> {
    return this.db.transaction(async (tx) => {
      const { rows } = await tx.query<PutOff & { isBehind: boolean }>({
        name: 'put-destination-off',
        text: PUT_OFF,
        values: [...this.#own(route), Math.random()],
      });
      const [put] = rows;
      if (put === undefined) return undefined;
      const { isBehind, failures, waitMs } = put;
      if (!isBehind) return { failures, waitMs };
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
      return { failures, waitMs };
    });
  }

  async giveBack(route: Route): Promise<void> {
    await this.db.query({
      name: 'give-destination-back',
      text: `UPDATE federation_api.destinations SET leased_by = NULL, leased_until = '-infinity', retry_at = now()
        WHERE ${OWN_LIGHTLY}`,
      values: this.#own(route),
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
          text: `UPDATE federation_api.destinations SET is_behind = false WHERE ${OWN}`,
          values: this.#own(route),
        });
      }
      return rows.map(({ room_id: roomId, room_seq: roomSeq }) => ({ roomId, roomSeq }));
    });
  }

  async caughtUp(route: Route, rooms: readonly MissedRoom[], isReached: boolean): Promise<void> {
    await this.db.query({
      name: 'rooms-no-longer-missed',
      text: `
        WITH caught_up AS (
          DELETE FROM federation_api.missed_rooms m USING unnest($4::text[], $5::bigint[]) AS sent(room_id, room_seq)
          WHERE server_name = $1 AND origin = $2 AND m.room_id = sent.room_id AND m.room_seq <= sent.room_seq
        )
        UPDATE federation_api.destinations SET failures = 0, failing_since = NULL WHERE ${OWN} AND $6`,
      values: [...this.#own(route), rooms.map(({ roomId }) => roomId), rooms.map(({ roomSeq }) => roomSeq), isReached],
    });
  }

  async heardOf(server: string): Promise<void> {
    await this.db.query({
      name: 'heard-of-destination',
      // It may speak before it listens: should it not be reached yet, it is tried again within seconds.
      text: `UPDATE federation_api.destinations d SET retry_at = least(retry_at, now()), failures = least(failures, 1),
          failing_since = now()
        FROM (
          SELECT server_name, origin FROM federation_api.destinations
          WHERE server_name = $1 AND failures > 0 ORDER BY server_name, origin FOR UPDATE
        ) AS held
        WHERE d.server_name = held.server_name AND d.origin = held.origin`,
      values: [server],
    });
  }

  /** Notes what a transaction holds, before it is sent. @returns whether the route is still ours */
  async #begin(route: Route, txnId: string | null, rows: readonly NextRow[]): Promise<boolean> {
    const lastOf = (kind: NextRow['kind']) => rows.findLast((row) => row.kind === kind)?.nid ?? null;
    const { rowCount } = await this.db.query({
      name: 'begin-transaction-to',
      text: `UPDATE federation_api.destinations SET txn_id = $4, txn_last = $5, txn_last_edu = $6,
          leased_until = now() + ${LEASED_FOR} WHERE ${OWN_LIGHTLY}`,
      values: [...this.#own(route), txnId, lastOf('pdu'), lastOf('edu')],
    });
    return (rowCount ?? 0) > 0;
  }

  async #done(route: Route, { work, horizon }: NextRow): Promise<void> {
    await this.db.query({
      name: 'destination-done',
      text: `UPDATE federation_api.destinations SET leased_by = NULL, leased_until = '-infinity', retry_at = now(),
          has_work = work <> $4, txn_id = NULL, txn_last = NULL, txn_last_edu = NULL,
          ephemera_version = greatest(ephemera_version, $5) WHERE ${OWN_LIGHTLY}`,
      values: [...this.#own(route), work, horizon],
    });
  }

  #own({ server, origin }: Route): string[] {
    return [server, origin, this.holder];
  }
}

/** What passes, in the order in which it came, as much as there is place for; and up to where that is all. */
function passingOf(rows: readonly NextRow[], horizon: number): { readonly texts: string[]; readonly upTo: number } {
  const edus = new EphemeralEdus(MOST_EPHEMERAL_EDUS, Date.now());
  const passing = rows.filter(({ kind }) => kind?.startsWith('m.')).sort((a, b) => a.nid! - b.nid!);
  let upTo = passing.length < MOST_EPHEMERA ? horizon : passing.at(-1)!.nid!;
  for (const { kind, nid, json } of passing) {
    if (addTo(edus, kind, json!)) continue;
    upTo = nid! - 1;
    break;
  }
  return { texts: edus.texts, upTo };
}

/** @returns false when there is no place for it */
function addTo(edus: EphemeralEdus, kind: NextRow['kind'], json: string): boolean {
  const content = JSON.parse(json);
  switch (kind) {
    case 'm.receipt':
      return edus.addReceipt(content);
    case 'm.typing':
      return edus.addTyping(content);
    case 'm.presence':
      return edus.addPresence(content);
    default:
      return true;
  }
}

function isAllOf(texts: readonly string[], most: number): boolean {
  return texts.length < most && texts.reduce((sum, text) => sum + text.length, 0) < MOST_CHARACTERS;
}
