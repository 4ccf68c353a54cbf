import type { Session } from './session.js';
import type { Queryable } from './statement.js';
import type { Transaction } from './transaction.js';

/** Whether whoever has the lease has gone without a word. What may not be seen of a session is taken for life. */
const HOLDER_IS_GONE = `(held.session_epoch = held.epoch AND NOT EXISTS (
  SELECT FROM pg_stat_get_activity(held.session_pid) AS session
  WHERE session.backend_start IS NULL OR session.backend_start = held.session_started))`;

/** Takes the lease when nobody holds it; the answer is the new epoch. Looking first keeps followers from writing. */
export async function acquireLease(
  db: Queryable,
  name: string,
  holder: string,
  ttlMs: number,
): Promise<number | undefined> {
  const { rows: held } = await db.query({
    name: 'lease-look',
    text: `SELECT 1 FROM ganglion_meta.leases AS held
           WHERE name = $1 AND expires_at > clock_timestamp() AND ${HOLDER_IS_GONE} IS NOT TRUE`,
    values: [name],
  });
  if (held.length > 0) return undefined;
  const { rows } = await db.query<{ epoch: number }>({
    name: 'lease-acquire',
    text: `INSERT INTO ganglion_meta.leases AS held (name, holder, epoch, expires_at)
           VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
           ON CONFLICT (name) DO UPDATE
             SET holder = excluded.holder, epoch = held.epoch + 1,
                 expires_at = clock_timestamp() + $3 * interval '1 millisecond'
             WHERE held.expires_at <= clock_timestamp() OR ${HOLDER_IS_GONE}
           RETURNING epoch`,
    values: [name, holder, ttlMs],
  });
  return rows[0]?.epoch;
}

/** Whether the lease was still ours and is now for another time to live. */
export async function renewLease(db: Queryable, name: string, epoch: number, ttlMs: number): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'lease-renew',
    text: `UPDATE ganglion_meta.leases SET expires_at = clock_timestamp() + $3 * interval '1 millisecond'
           WHERE name = $1 AND epoch = $2`,
    values: [name, epoch, ttlMs],
  });
  return rowCount === 1;
}

/** Lets others see by a session whether the holder lives. False when the lease is somebody else's. */
export async function watchHolder(
  db: Queryable,
  name: string,
  epoch: number,
  { pid, startedAt }: Pick<Session, 'pid' | 'startedAt'>,
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'lease-watch',
    text: `UPDATE ganglion_meta.leases SET session_epoch = epoch, session_pid = $3, session_started = $4::timestamptz
           WHERE name = $1 AND epoch = $2`,
    values: [name, epoch, pid, startedAt],
  });
  return rowCount === 1;
}

/** Frees the lease unless somebody else holds it already. */
export async function releaseLease(db: Queryable, name: string, epoch: number): Promise<void> {
  await db.query({
    name: 'lease-release',
    text: "UPDATE ganglion_meta.leases SET expires_at = '-infinity' WHERE name = $1 AND epoch = $2",
    values: [name, epoch],
  });
}

/** Whether the epoch is current; the lock keeps it so until the transaction ends, and lets renewals through. */
export async function confirmLease(tx: Transaction, name: string, epoch: number): Promise<boolean> {
  const { rows } = await tx.query({
    name: 'lease-confirm',
    text: 'SELECT 1 FROM ganglion_meta.leases WHERE name = $1 AND epoch = $2 FOR KEY SHARE',
    values: [name, epoch],
  });
  return rows.length > 0;
}
