import type { Database } from '@ganglion/database';

/** Who was neither reached nor heard of for so long has gone for good; who is back after that begins anew. */
const GONE_AFTER = "interval '30 days'";
/** Nothing was sent to it for so long, and nothing is to be sent. */
const IDLE_AFTER = "interval '30 days'";
/** Of what is kept for a server that is away until it has it, the last ones. */
const MOST_EDUS_KEPT = 10_000;
/** At once, so that nobody who queues something waits for long. */
const DESTINATIONS_AT_ONCE = 100;
const ROWS_AT_ONCE = 5_000;

/** Nobody else has the destination, or waits for it: whoever queues something for it meanwhile finds that it is not there. */
const FORGET_GONE = `
  WITH gone AS MATERIALIZED (
    SELECT server_name, origin FROM federation_api.destinations
    WHERE leased_until < now()
      AND (failing_since < now() - ${GONE_AFTER} OR (NOT has_work AND retry_at < now() - ${IDLE_AFTER}))
    ORDER BY server_name, origin LIMIT ${DESTINATIONS_AT_ONCE} FOR UPDATE SKIP LOCKED
  ), pdus AS (
    DELETE FROM federation_api.queued_pdus q USING gone WHERE q.server_name = gone.server_name AND q.origin = gone.origin
  ), edus AS (
    DELETE FROM federation_api.queued_edus q USING gone WHERE q.server_name = gone.server_name AND q.origin = gone.origin
  ), rooms AS (
    DELETE FROM federation_api.missed_rooms m USING gone WHERE m.server_name = gone.server_name AND m.origin = gone.origin
  )
  DELETE FROM federation_api.destinations d USING gone WHERE d.server_name = gone.server_name AND d.origin = gone.origin`;

const WITH_SURPLUS = `
  SELECT server_name, origin FROM federation_api.destinations d WHERE failing_since IS NOT NULL AND EXISTS (
    SELECT FROM federation_api.queued_edus q WHERE q.server_name = d.server_name AND q.origin = d.origin
    ORDER BY q.edu_nid DESC OFFSET ${MOST_EDUS_KEPT})`;

/** What is left of the transaction that was tried last is another one: it gets another id. */
const FORGET_SURPLUS = `
  WITH held AS MATERIALIZED (
    SELECT server_name, origin FROM federation_api.destinations
    WHERE server_name = $1 AND origin = $2 AND leased_until < now() FOR UPDATE SKIP LOCKED
  ), oldest AS (
    SELECT q.edu_nid FROM federation_api.queued_edus q JOIN held USING (server_name, origin)
    ORDER BY q.edu_nid DESC OFFSET ${MOST_EDUS_KEPT}
  ), removed AS (
    DELETE FROM federation_api.queued_edus q USING held, oldest
    WHERE q.server_name = held.server_name AND q.origin = held.origin AND q.edu_nid = oldest.edu_nid RETURNING q.edu_nid
  )
  UPDATE federation_api.destinations d SET txn_id = NULL, txn_last = NULL, txn_last_edu = NULL FROM held
  WHERE d.server_name = held.server_name AND d.origin = held.origin AND d.txn_id IS NOT NULL AND EXISTS (SELECT FROM removed)`;

/** Forgets what nobody is sent any more. It may be done by several at once. */
export class SendingTidy {
  constructor(private readonly db: Database) {}

  async tidy(): Promise<void> {
    await this.#all('forget-gone-destinations', FORGET_GONE, DESTINATIONS_AT_ONCE);
    await this.#forgetSurplus();
    await this.#forgetSent();
    await this.#findForgotten();
  }

  /** Of who is away for long, what comes first. */
  async #forgetSurplus(): Promise<void> {
    const { rows } = await this.db.query<{ server_name: string; origin: string }>({
      ...{ name: 'destinations-with-surplus', text: WITH_SURPLUS, values: [] },
    });
    for (const { server_name, origin } of rows) {
      await this.db.query({ name: 'forget-surplus-edus', text: FORGET_SURPLUS, values: [server_name, origin] });
    }
  }

  /** What has arrived everywhere. */
  async #forgetSent(): Promise<void> {
    for (const kind of ['pdu', 'edu']) {
      await this.#all(
        `forget-sent-${kind}s`,
        `DELETE FROM federation_api.outgoing_${kind}s WHERE ${kind}_nid IN (
          SELECT p.${kind}_nid FROM federation_api.outgoing_${kind}s p WHERE p.created_at < now() - interval '1 minute'
            AND NOT EXISTS (SELECT FROM federation_api.queued_${kind}s q WHERE q.${kind}_nid = p.${kind}_nid)
          LIMIT ${ROWS_AT_ONCE})`,
        ROWS_AT_ONCE,
      );
    }
    await this.db.query({
      name: 'forget-old-taken-messages',
      text: `DELETE FROM federation_api.taken_device_messages WHERE taken_at < now() - interval '7 days'`,
    });
  }

  /** Notices what waits where nobody looks any more: a sender of an earlier release knows nothing of EDUs. */
  async #findForgotten(): Promise<void> {
    await this.db.query({
      name: 'find-forgotten-edus',
      text: `UPDATE federation_api.destinations d SET has_work = true, work = work + 1
        FROM (
          SELECT server_name, origin FROM federation_api.destinations idle WHERE NOT has_work AND EXISTS (
            SELECT FROM federation_api.queued_edus q
            WHERE q.server_name = idle.server_name AND q.origin = idle.origin)
          ORDER BY server_name, origin FOR UPDATE
        ) AS held
        WHERE d.server_name = held.server_name AND d.origin = held.origin`,
    });
  }

  /** Again until there is less than goes at once. */
  async #all(name: string, text: string, most: number): Promise<void> {
    for (let count = most; count >= most; ) count = (await this.db.query({ name, text, values: [] })).rowCount ?? 0;
  }
}
