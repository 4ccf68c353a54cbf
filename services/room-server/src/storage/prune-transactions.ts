import type { Database } from '@ganglion/database';
import { forgottenSlot } from './transaction-keys.js';

/** Empties the part of the transactions that nobody looks into any more; whoever is in its way now will not be next time. */
export async function pruneTransactions(db: Database): Promise<void> {
  const slot = forgottenSlot();
  if (slot === undefined) return;
  const part = `room_server.transactions_${slot}`;
  const { rows } = await db.query<{ any: boolean }>({ text: `SELECT EXISTS (SELECT FROM ${part}) AS any` });
  if (rows[0]?.any) await db.query({ text: `TRUNCATE ${part}` });
}
