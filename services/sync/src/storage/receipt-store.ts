import { Coalescer } from '@ganglion/contracts';
import { type Database, sql, statement } from '@ganglion/database';
import type { ReceiptRow } from '../domain/append-batch.js';
import type { NewReceipt, ReceiptList, ReceiptModel } from '../domain/ports/receipt-model.js';

/** The columns of a receipt. */
export const RECEIPT = sql`r.room_nid AS "roomNid", r.user_id AS "userId", r.receipt_type AS type,
  r.thread_id AS "threadId", r.event_id AS "eventId", r.event_position AS "eventPosition", r.ts, r.position`;

interface OfRooms {
  readonly roomNids: readonly number[];
  readonly userId: string;
  readonly above: number;
  readonly upTo: number;
}

/** Of one of them there may be much. */
const USERS_AT_ONCE = 50;

const VISIBLE = sql<OfRooms>`(r.receipt_type <> 'm.read.private' OR r.user_id = ${({ userId }) => userId})`;

const allOf = statement(
  'receipts-of-rooms',
  sql<OfRooms>`
  SELECT ${RECEIPT} FROM sync.receipts r WHERE r.room_nid = ANY(${({ roomNids }) => roomNids}::bigint[])
    AND ${VISIBLE} AND r.position <= ${({ upTo }) => upTo}`,
);

const between = statement(
  'receipts-between',
  sql<OfRooms>`
  SELECT ${RECEIPT} FROM unnest(${({ roomNids }) => roomNids}::bigint[]) AS wanted(room_nid)
  JOIN sync.receipts r ON r.room_nid = wanted.room_nid AND r.position > ${({ above }) => above}
    AND r.position <= ${({ upTo }) => upTo}
  WHERE ${VISIBLE}`,
);

const own = statement(
  'own-receipts',
  sql<{ userIds: readonly string[] }>`
  SELECT ${RECEIPT} FROM sync.memberships m JOIN sync.receipts r ON r.room_nid = m.room_nid AND r.user_id = m.user_id
  WHERE m.user_id = ANY(${({ userIds }) => userIds})`,
);

/** Receipts in PostgreSQL: handed over by whoever is told of them, placed by the appender, read by every replica. */
export class ReceiptStore implements ReceiptModel {
  /** Those who come at the same time are read at the same time. */
  readonly #own = new Coalescer<string, ReceiptRow[]>(async (userIds) => {
    const { rows } = await this.db.query<Row>(own({ userIds }));
    const byUser = Map.groupBy(rows, ({ userId }) => userId);
    return userIds.map((userId) => byUser.get(userId) ?? []);
  }, USERS_AT_ONCE);

  constructor(private readonly db: Database) {}

  async handOver(receipts: readonly NewReceipt[]): Promise<void> {
    await this.db.query({
      name: 'hand-over-receipts',
      text: 'INSERT INTO sync.new_receipts (receipts) VALUES ($1)',
      values: [JSON.stringify(receipts)],
    });
  }

  async handedOver(limit: number): Promise<ReceiptList[]> {
    const { rows } = await this.db.query<{ list_id: number; receipts: string }>({
      name: 'handed-over-receipts',
      text: 'SELECT list_id, receipts FROM sync.new_receipts ORDER BY list_id LIMIT $1',
      values: [limit],
    });
    return rows.map(({ list_id, receipts }) => ({ listId: list_id, receipts: JSON.parse(receipts) as NewReceipt[] }));
  }

  async forgetLists(listIds: readonly number[]): Promise<void> {
    await this.db.query({
      name: 'forget-receipt-lists',
      text: 'DELETE FROM sync.new_receipts WHERE list_id = ANY($1)',
      values: [listIds],
    });
  }

  async receiptsOf(roomNids: readonly number[], userId: string, upTo: number): Promise<ReceiptRow[]> {
    return (await this.db.query<Row>(allOf({ roomNids, userId, above: 0, upTo }))).rows;
  }

  async receiptsBetween(roomNids: readonly number[], userId: string, above: number, upTo: number) {
    return (await this.db.query<Row>(between({ roomNids, userId, above, upTo }))).rows;
  }

  ownReceipts(userId: string): Promise<ReceiptRow[]> {
    return this.#own.load(userId);
  }
}

type Row = ReceiptRow & Record<string, unknown>;
