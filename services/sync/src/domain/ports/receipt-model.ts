import type { ReceiptRow } from '../append-batch.js';

/** A receipt that the appender has not placed yet. */
export type NewReceipt = Omit<ReceiptRow, 'position'>;

/** Receipts that a replica has gathered and handed over to the appender. */
export interface ReceiptList {
  readonly listId: number;
  readonly receipts: readonly NewReceipt[];
}

/** What users have read. */
export interface ReceiptModel {
  /** Hands receipts over to the appender: once this resolves they are kept, and will be placed. */
  handOver(receipts: readonly NewReceipt[]): Promise<void>;
  /** What was handed over and not placed yet, the earliest first; at most so many lists. */
  handedOver(limit: number): Promise<ReceiptList[]>;
  /** The receipts of these lists have been placed. */
  forgetLists(listIds: readonly number[]): Promise<void>;
  /** All receipts of rooms that a user may see, up to a position. */
  receiptsOf(roomNids: readonly number[], userId: string, upTo: number): Promise<ReceiptRow[]>;
  /** Those receipts of rooms that changed above one position and up to another. */
  receiptsBetween(roomNids: readonly number[], userId: string, above: number, upTo: number): Promise<ReceiptRow[]>;
  /** The receipts of one user. */
  ownReceipts(userId: string): Promise<ReceiptRow[]>;
}
