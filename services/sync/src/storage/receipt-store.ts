import type { Database } from '@ganglion/database';
import type { ReceiptRow } from '../domain/append-batch.js';
import type { ReceiptModel, UnplacedReceipt } from '../domain/ports/receipt-model.js';

/** The columns of a receipt but its position. */
export const RECEIPT = `room_nid AS "roomNid", user_id AS "userId", receipt_type AS type, thread_id AS "threadId",
  event_id AS "eventId", event_position AS "eventPosition", ts`;

/** A receipt only ever moves forward: whichever of two comes first, the later event stays. */
const PUT = `
  INSERT INTO sync.receipts AS known (room_nid, user_id, receipt_type, thread_id, event_id, event_position, ts)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (room_nid, user_id, receipt_type, thread_id) DO UPDATE SET
    event_id = excluded.event_id, event_position = excluded.event_position, ts = excluded.ts, position = NULL
  WHERE excluded.event_position > known.event_position`;

const VISIBLE = `(receipt_type <> 'm.read.private' OR user_id = $2)`;

/** Receipts in PostgreSQL: written by whoever is told of them, placed by the appender, read by every replica. */
export class ReceiptStore implements ReceiptModel {
  constructor(private readonly db: Database) {}

  async putReceipt(receipt: UnplacedReceipt): Promise<boolean> {
    const { roomNid, userId, type, threadId, eventId, eventPosition, ts } = receipt;
    const values = [roomNid, userId, type, threadId, eventId, eventPosition, ts];
    const { rowCount } = await this.db.query({ name: 'put-receipt', text: PUT, values });
    return rowCount === 1;
  }

  async unplaced(limit: number): Promise<UnplacedReceipt[]> {
    const { rows } = await this.db.query<UnplacedReceipt & Record<string, unknown>>({
      name: 'unplaced-receipts',
      text: `SELECT ${RECEIPT} FROM sync.receipts WHERE position IS NULL LIMIT $1`,
      values: [limit],
    });
    return rows;
  }

  async receiptsOf(roomNids: readonly number[], userId: string, upTo: number): Promise<ReceiptRow[]> {
    const { rows } = await this.db.query<ReceiptRow & Record<string, unknown>>({
      name: 'receipts-of-rooms',
      text: `SELECT ${RECEIPT}, coalesce(position, $3) AS position FROM sync.receipts
        WHERE room_nid = ANY($1) AND ${VISIBLE} AND (position IS NULL OR position <= $3)`,
      values: [roomNids, userId, upTo],
    });
    return rows;
  }

  async receiptsBetween(roomNids: readonly number[], userId: string, above: number, upTo: number) {
    const { rows } = await this.db.query<ReceiptRow & Record<string, unknown>>({
      name: 'receipts-between',
      text: `SELECT ${RECEIPT}, position FROM sync.receipts
        WHERE room_nid = ANY($1) AND ${VISIBLE} AND position > $3 AND position <= $4`,
      values: [roomNids, userId, above, upTo],
    });
    return rows;
  }

  async ownReceipts(userId: string): Promise<ReceiptRow[]> {
    const { rows } = await this.db.query<ReceiptRow & Record<string, unknown>>({
      name: 'own-receipts',
      text: `SELECT ${RECEIPT}, coalesce(position, 0) AS position FROM sync.receipts WHERE user_id = $1`,
      values: [userId],
    });
    return rows;
  }
}
